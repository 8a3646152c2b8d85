"""The support admin as a site: who gets in, under which content policy, and what it shows."""

from functools import partial
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.urls import path
from django.utils.csp import CSP
from django.utils.functional import SimpleLazyObject
from django.views.decorators.csp import csp_override
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from accounts.desk import places, search, signing_in, stepping_up

CONTENT_POLICY: dict[str, Any] = {
    **settings.SECURE_CSP,
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],  # Alpine evaluates the expressions in unfold's attributes
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],  # unfold writes its colours and widths into the page
}
"""What unfold needs beyond the portal's policy; nothing outside the admin gets it."""


class SupportSite(UnfoldAdminSite):
    """Staff only, each session with a second factor (P70). Pages of other packages, which could edit, stay out."""

    site_url = None
    logout_template = "admin/sign_in/signed_out.html"
    index_template = "admin/start.html"

    def has_permission(self, request):
        """Whether this session may see anything here: active staff who have shown a second factor in it."""
        user = request.user
        return (
            user.is_active
            and user.is_staff
            and any(record["method"] == "mfa" for record in get_authentication_records(request, user))
        )

    def admin_view(self, view, cacheable=False):
        return csp_override(CONTENT_POLICY)(super().admin_view(view, cacheable))

    def register(self, model_or_iterable, admin_class=None, **options):
        if admin_class is not None and issubclass(admin_class, ModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def get_urls(self):
        return [*self._sign_in_urls(), *super().get_urls()]

    def _sign_in_urls(self):
        pages = {
            "login/": ("login", signing_in.password),
            "login/code/": ("login_code", signing_in.code),
            "login/second-factor/": ("login_second_factor", signing_in.second_factor),
            "welcome/<uidb64>/<token>/": ("welcome", signing_in.Welcome.as_view()),
        }
        return [
            path(route, csp_override(CONTENT_POLICY)(view), name=name) for route, (name, view) in pages.items()
        ] + [
            path("recovery-codes/", self.admin_view(signing_in.recovery_codes), name="recovery_codes"),
            path("search/", self.admin_view(search.page), name="search"),  # unfold's own finds pages of the admin
            path("search/found/", self.admin_view(search.found), name="search_found"),
            path("step-up/", self.admin_view(stepping_up.step_up), name="step_up"),
        ]

    def get_app_list(self, request, app_label=None):
        """Every page is given it, and hardly one shows it: the side bar has places of its own."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))

    def get_sidebar_list(self, request):
        return places.navigation(request)

    def index(self, request, extra_context=None):
        return super().index(request, {**places.start(request.user), **(extra_context or {})})
