from django.contrib.auth.backends import ModelBackend

from accounts import roles, staff


class PortalBackend(ModelBackend):
    """Who may sign in, by address and password, and who may do what: staff by tier, customers by team (P4, P70)."""

    def has_perm(self, user_obj, perm, obj=None):
        if not user_obj.is_active:
            return False
        half = staff if user_obj.is_staff else roles
        return half.allows(user_obj, perm, obj)

    def get_all_permissions(self, user_obj, obj=None):
        """All that a customer may do with `obj`, at the price of asking for one thing."""
        organization_id = getattr(obj, "organization_id", None)
        if not user_obj.is_active or user_obj.is_staff or organization_id is None:
            return set()
        return set(roles.grants_of(user_obj, organization_id).on(obj))
