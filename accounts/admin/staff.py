"""Who is staff: made, moved to another tier and ended by administrators, each with their trail (P70)."""

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from accounts.admin.confirming import who
from accounts.admin.forms import MakeStaffForm
from accounts.admin.offering import ActsAdmin, offers
from accounts.admin.staff_acts import ACTS
from accounts.admin.trail import Trail
from accounts.desk.stepping_up import ask_again, shown_lately, typed_before
from accounts.errors import LifecycleError
from accounts.models import User
from accounts.staffing import RIGHT, NotStaff, make_staff
from accounts.templatetags.desk import moment
from accounts.words import Tier, Via


@admin.register(User)
class StaffAdmin(ActsAdmin):
    acts = ACTS
    list_display = ["email", "full_name", "shown_tier", "may_sign_in", "has_second_factor", "signed_in"]
    list_display_links = ["email"]
    list_before_template = "admin/accounts/staff/above.html"
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
        return request.user.has_perm(RIGHT)

    @method_decorator(require_safe)
    def change_view(self, request, object_id, form_url="", extra_context=None):
        """A colleague: what they may, what can be changed, and what they did and looked up."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        person = self.get_object(request, object_id)
        if person is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        context = {"person": person, "acts": offers(ACTS, request.user, person), "trail": Trail(request, person)}
        return self._show(request, "page", str(person), **context)

    @method_decorator(require_safe)
    def trail_view(self, request):
        """What all staff did and whom they looked up."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._show(request, "trail", "What staff did", trail=Trail(request))

    def make_view(self, request):
        """Make a staff account; the link for its password is mailed, and shown to nobody else."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not shown_lately(request):
            return ask_again(request)
        form = MakeStaffForm(request.POST if request.method == "POST" else None, initial=typed_before(request))
        if form.is_valid():
            try:
                person = make_staff(
                    form.cleaned_data.pop("email"),
                    tier=Tier(form.cleaned_data.pop("tier")),
                    via=Via.ADMIN,
                    **form.cleaned_data,
                    **who(request),
                )
            except (LifecycleError, NotStaff) as problem:
                form.add_error(None, str(problem))
            else:
                messages.success(request, f"The link for a first password is on its way to {person.email}.")
                return redirect(reverse("admin:accounts_user_change", args=[person.pk]))
        return self._show(request, "make", "Make a staff account", form=form)

    def get_urls(self):
        views = {"make": self.make_view, "trail": self.trail_view}
        ours = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"accounts_user_{name}")
            for name, view in views.items()
        ]
        return [*ours, *super().get_urls()]

    def _show(self, request, name, title, **context):
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **context}
        return TemplateResponse(request, f"admin/accounts/staff/{name}.html", context)

    @admin.display(description="tier")
    def shown_tier(self, user):
        return user.tier.label if user.tier else "Ended" if user.closed_at else "None"

    @admin.display(description="may sign in", boolean=True)
    def may_sign_in(self, user):
        return user.is_active and user.has_usable_password()

    @admin.display(description="second factor", boolean=True)
    def has_second_factor(self, user):
        return user.second_factor

    @admin.display(description="last sign-in")
    def signed_in(self, user):
        return moment(user.last_login)
