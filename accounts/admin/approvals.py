"""What one lead asks for and a second one decides: what was shown then beside what is true now (P71, P74)."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from accounts.admin import columns
from accounts.admin.bulk import ListApproval
from accounts.admin.confirming import Shown, who
from accounts.admin.forms import ConfirmForm, DecisionForm
from accounts.desk.stepping_up import ask_again, shown_lately, typed_before
from accounts.errors import LifecycleError, PreviewChanged
from accounts.models import Approval, Organization, User
from accounts.previews import deactivation_of
from accounts.second_lead import confirm_deactivation
from accounts.services.approvals import decline, may_decide, withdraw
from accounts.templatetags.desk import moment, pill
from accounts.words import Via
from konnect_portal.foundation.admin import ReadOnlyAdmin


class EnterpriseDeactivation:
    """How a request for one is shown and carried out; `typed` is the name that the second lead types."""

    done = "{} is deactivated. Below you can watch its control planes being taken down."

    def button(self, approval: Approval) -> str:
        return f"Deactivate {approval.target_name}"

    def typed(self, approval: Approval) -> str:
        return approval.target_name

    def back(self, approval: Approval) -> str:
        return reverse("admin:accounts_organization_change", args=[approval.target_id])

    def now(self, approval: Approval) -> Shown | None:
        """What confirming would change now; None where there is nothing left to change."""
        organization = Organization.objects.active().filter(pk=approval.target_id).prefetch_related("owner").first()
        if organization is None:
            return None
        preview = deactivation_of(organization, at=timezone.now())
        when = columns.when_taken_down(approval.options["take_down"])
        return Shown(columns.of_deactivation(preview, when=when), preview.digest)

    def carry_out(self, approval: Approval, *, expected: str, **who) -> None:
        confirm_deactivation(approval, expected=expected, **who)


ACTS: dict[Approval.Act, EnterpriseDeactivation | ListApproval] = {
    Approval.Act.DEACTIVATE_ENTERPRISE: EnterpriseDeactivation(),
    Approval.Act.DEACTIVATE_IN_BULK: ListApproval(),
}


@dataclass(frozen=True)
class Standing:
    """A request as the person who reads it may decide it: what holds now, and whether it is what was shown."""

    approval: Approval
    user: User
    shown: Shown | None

    @property
    def is_own(self) -> bool:
        return self.approval.is_waiting and self.approval.asked_by_id == self.user.pk

    @property
    def may_decide(self) -> bool:
        return may_decide(self.user, self.approval)

    @property
    def has_changed(self) -> bool:
        return self.shown is not None and self.shown.digest != self.approval.digest

    @property
    def may_confirm(self) -> bool:
        return self.may_decide and self.shown is not None and not self.has_changed


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [
            ("waiting", "Waiting"),
            ("others", "Waiting for you"),
            ("lapsed", "Lapsed"),
            *Approval.Outcome.choices[:3],
        ]

    def queryset(self, request, queryset):
        now = timezone.now()
        if self.value() == "waiting":
            return queryset.waiting(now)
        if self.value() == "others":
            return queryset.waiting(now).exclude(asked_by_id=request.user.pk)
        if self.value() == "lapsed":
            return queryset.lapsed(now) | queryset.filter(outcome=Approval.Outcome.LAPSED)
        return queryset.filter(outcome=self.value()) if self.value() in Approval.Outcome.values else queryset


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ["shown_name", "shown_state", "ticket", "asked", "expires"]
    list_display_links = ["shown_name"]
    list_filter = [StateFilter]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The request; for another lead, while it waits, with Confirm and Decline, for who asked with Withdraw."""
        approval = self.get_object(request, object_id)
        if approval is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        act = ACTS[Approval.Act(approval.act)]
        standing = Standing(approval, request.user, act.now(approval) if approval.is_waiting else None)
        if request.method == "POST" and not (standing.may_decide or standing.is_own):
            return self._too_late(request, approval)
        if standing.may_decide and not shown_lately(request):
            return ask_again(request)
        forms = self._forms(request, act, standing)
        if request.method == "POST":
            done = self._decide(request, act, standing, forms)
            if done:
                return redirect(done)
            approval.refresh_from_db()
            standing = Standing(approval, request.user, act.now(approval) if approval.is_waiting else None)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(approval),
            "approval": approval,
            "standing": standing,
            "button": act.button(approval),
            "back": act.back(approval),
            "hours": settings.APPROVAL_HOURS,
            "decider": User.objects.filter(pk=approval.decided_by_id).first(),
            **forms,
        }
        return TemplateResponse(request, "admin/accounts/approval/page.html", context)

    def _forms(self, request, act, standing):
        """Both forms of the page; the one that was sent is bound."""
        sent = request.POST.get("decision") if request.method == "POST" else None
        typed = typed_before(request)
        name = act.typed(standing.approval)
        return {
            "confirm": ConfirmForm(request.POST if sent == "confirm" else None, expected_name=name, initial=typed),
            "refuse": DecisionForm(request.POST if sent in ("decline", "withdraw") else None, initial=typed),
        }

    def _decide(self, request, act, standing, forms) -> str | None:
        """Where to go once it is decided; None where it has to be shown again."""
        approval, decision = standing.approval, request.POST.get("decision")
        form = forms["confirm" if decision == "confirm" else "refuse"]
        try:
            if not form.is_valid():
                return None
            if decision == "confirm":
                if standing.shown is None or request.POST.get("digest") != standing.shown.digest:
                    raise PreviewChanged
                act.carry_out(approval, expected=standing.shown.digest, via=Via.ADMIN, **who(request))
                messages.success(request, act.done.format(approval.target_name))
                return act.back(approval)
            refuse = withdraw if standing.is_own else decline
            refuse(approval.pk, note=form.cleaned_data["reason"], via=Via.ADMIN, **who(request))
            messages.success(request, "Nothing was changed, and the request is closed.")
            return act.back(approval)
        except LifecycleError as problem:
            form.add_error(None, str(problem))
            return None

    def _too_late(self, request, approval):
        if not request.user.has_perm("accounts.approve_act"):
            raise PermissionDenied
        messages.warning(request, f"Nothing was done: this request is {approval.state.lower()} already.")
        return redirect(request.path)

    @admin.display(description="asked for")
    def shown_name(self, approval):
        return str(approval)

    @admin.display(description="state")
    def shown_state(self, approval):
        return pill("waiting" if approval.is_waiting else "gone", approval.state)

    @admin.display(description="asked")
    def asked(self, approval):
        return moment(approval.asked_at)

    @admin.display(description="lapses")
    def expires(self, approval):
        return moment(approval.expires_at)
