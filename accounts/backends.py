from django.contrib.auth.backends import ModelBackend

from accounts import roles, staff


class PortalBackend(ModelBackend):
    """Who may sign in, by address and password, and who may do what: staff by tier, customers by team (P4, P70)."""

    def has_perm(self, user_obj, perm, obj=None):
        if not user_obj.is_active:
            return False
        half = staff if user_obj.is_staff else roles
        return half.allows(user_obj, perm, obj)
