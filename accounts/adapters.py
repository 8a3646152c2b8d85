from allauth.account.adapter import DefaultAccountAdapter

from accounts.access import enter_only_organization


class AccountAdapter(DefaultAccountAdapter):
    """allauth's door to the portal."""

    def post_login(self, request, user, **kwargs):
        """Whoever has one organization goes straight in: signing in was a post, so it may count as a login (P5)."""
        enter_only_organization(request)
        return super().post_login(request, user, **kwargs)
