from django.contrib.auth.backends import ModelBackend

from accounts import staff


class PortalBackend(ModelBackend):
    """Who may do what: staff by their tier (P70)."""

    def has_perm(self, user_obj, perm, obj=None):
        return staff.allows(user_obj, perm, obj)
