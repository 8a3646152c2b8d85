"""Who is staff, of which tier and with which second factor; seen by administrators, who reset a lost one."""

from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html

from accounts.admin.confirming import Act, Shown, confirm, digest_of_rows, said
from accounts.admin.forms import StaffForm
from accounts.columns import Column, Line
from accounts.models import User
from accounts.staffing import reset_second_factor
from accounts.templatetags.desk import moment
from konnect_portal.foundation.admin import ReadOnlyAdmin


class ResetSecondFactor(Act):
    """For a colleague who lost theirs; never one's own."""

    name = "reset_second_factor"
    title = "Reset second factor"
    done = "The second factor of {} is gone. At the next sign-in they set up a new one."
    is_dangerous = True
    form = StaffForm

    def button(self, target):
        return f"Reset the second factor of {target.email}"

    def typed(self, target):
        return target.email

    def back(self, target):
        return reverse("admin:accounts_user_changelist")

    def show(self, user, target):
        factors = list(Authenticator.objects.filter(user=target))
        ends = [f"Remove: {factor.get_type_display()}" for factor in factors] + ["End every session of theirs"]
        keeps = ["Their password, which the next sign-in asks for", "Their tier"]
        return Shown(
            [_column("This will", "stop", ends), _column("This will not", "keep", keeps)], digest_of_rows(factors)
        )

    def act(self, target, *, data, expected, **who):
        reset_second_factor(target, **said(data), **who)


def _column(title: str, tone: str, texts: list[str]) -> Column:
    return Column(title, tone, [Line(text, [], 0) for text in texts])


@admin.register(User)
class StaffAdmin(ReadOnlyAdmin):
    list_display = ["email", "full_name", "shown_tier", "may_sign_in", "has_second_factor", "signed_in", "reset"]
    list_display_links = None
    sortable_by = ()
    ordering = ["email"]

    def get_queryset(self, request):
        factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
        return (
            super()
            .get_queryset(request)
            .filter(is_staff=True)
            .prefetch_related("groups")
            .annotate(second_factor=Exists(factors))
        )

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("accounts.manage_staff")

    @admin.display(description="tier")
    def shown_tier(self, user):
        return user.tier.label if user.tier else "none"

    @admin.display(description="may sign in", boolean=True)
    def may_sign_in(self, user):
        return user.is_active and user.has_usable_password()

    @admin.display(description="second factor", boolean=True)
    def has_second_factor(self, user):
        return user.second_factor

    @admin.display(description="last sign-in")
    def signed_in(self, user):
        return moment(user.last_login)

    @admin.display(description="act")
    def reset(self, user):
        if not user.second_factor:
            return "–"
        page = reverse("admin:accounts_user_reset_second_factor", args=[user.pk])
        return format_html('<a class="desk-link" href="{}">Reset second factor</a>', page)

    def reset_view(self, request, id):
        if not self.has_view_permission(request) or request.user.pk == id:
            raise PermissionDenied
        person = get_object_or_404(self.get_queryset(request), pk=id, second_factor=True)
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return confirm(request, ResetSecondFactor(), person, context)

    def get_urls(self):
        view = self.admin_site.admin_view(self.reset_view)
        return [
            path("<uuid:id>/reset-second-factor/", view, name="accounts_user_reset_second_factor"),
            *super().get_urls(),
        ]
