"""Acts of support on an organization, by the grammar of `delete_selected`: may I, what will change, why, act, tell."""

from abc import abstractmethod
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import lifecycle
from accounts.admin import columns
from accounts.admin.confirming import Act, Shown, digest_of_rows, said
from accounts.admin.forms import DeactivateForm, ReactivateForm, TakeDownForm
from accounts.columns import later
from accounts.forms.taking_down import take_down_moment
from accounts.models import Organization, User
from accounts.previews import deactivation_of, reactivation_of
from accounts.words import Reason, State
from billing.models import Plan
from billing.services import plans
from geos.models import ControlPlane
from konnect_portal.foundation.moments import absolute


class OrganizationAct(Act):
    """An act on an organization; one on hold is left as it is (P58)."""

    permission: str

    def button(self, target):
        return f"{self.title} {target.name}"

    def typed(self, target):
        return target.name

    def back(self, target):
        return reverse("admin:accounts_organization_change", args=[target.pk])

    @abstractmethod
    def applies(self, organization: Organization) -> bool:
        """Whether it makes sense in the organization's state."""

    def allowed(self, user: User, organization: Organization) -> bool:
        return user.has_perm(self.permission, organization)

    def refusal(self, organization: Organization) -> str | None:
        """Why it is not possible now, though the person may; None where it is."""
        return hold_of(organization)


def hold_of(organization: Organization) -> str | None:
    """Until when and why it is left as it is; None where it is not on hold (P58)."""
    if organization.hold_until and organization.is_on_hold(timezone.now()):
        return f"On hold until {absolute(organization.hold_until)}: {organization.hold_reason}"
    return None


class Deactivate(OrganizationAct):
    name = "deactivate"
    permission = "accounts.deactivate_organization"
    title = "Deactivate"
    done = "{} is deactivated. Below you can watch its control planes being taken down."
    is_dangerous = True
    form = DeactivateForm

    def applies(self, organization):
        return organization.state == State.ACTIVE

    def refusal(self, organization):
        if plans([organization.pk], at=timezone.now())[organization.pk] == Plan.ENTERPRISE:
            return "An Enterprise organization needs a second lead to confirm, which the portal does not offer yet."
        return None

    def show(self, user, target):
        preview = deactivation_of(target, at=timezone.now())
        may_choose = user.has_perm("accounts.hasten_take_down")
        when = f"now or {later()}, as you choose below" if may_choose else later()
        options = {"may_choose": may_choose, "delay_hours": settings.TAKE_DOWN_DELAY_HOURS}
        return Shown(columns.of_deactivation(preview, when=when), preview.digest, options)

    def act(self, target, *, data, expected, **who):
        choice = data.get("take_down")
        events = lifecycle.deactivate_organizations(
            [target.pk],
            reason=Reason(data["reason"]),
            take_down_at=take_down_moment(choice, now=timezone.now()) if choice else None,
            expected=expected,
            **said(data),
            **who,
        )
        if not events:
            raise lifecycle.LifecycleError(f"{target.name} was deactivated by somebody else just now.")


class Reactivate(OrganizationAct):
    name = "reactivate"
    permission = "accounts.reactivate_organization"
    title = "Reactivate"
    done = "{} is active again, on Free."
    form = ReactivateForm

    def applies(self, organization):
        return organization.state == State.INACTIVE

    def show(self, user, target):
        preview = reactivation_of(target, at=timezone.now())
        members = User.objects.filter(memberships__organization=target, is_active=True)
        owners = members.order_by("full_name", "email") if preview.needs_owner else None
        return Shown(columns.of_reactivation(preview), preview.digest, {"owners": owners})

    def act(self, target, *, data, expected, **who):
        lifecycle.reactivate_organization(
            target.pk,
            restore_people=data["restore_people"],
            owner=data.get("owner"),
            expected=expected,
            **said(data),
            **who,
        )


class TakeDown(OrganizationAct):
    name = "take-down"
    permission = "accounts.hasten_take_down"
    title = "Take down now"
    done = "The control planes of {} are being taken down. Below you can watch it."
    is_dangerous = True
    form = TakeDownForm

    def button(self, target):
        return f"Take the control planes of {target.name} down now"

    def applies(self, organization):
        return organization.state == State.INACTIVE and _waiting(organization).exists()

    def show(self, user, target):
        waiting = list(_waiting(target))
        return Shown(columns.of_take_down(waiting), digest_of_rows(waiting))

    @transaction.atomic
    def act(self, target, *, data, expected, **who):
        Organization.objects.select_for_update().get(pk=target.pk)
        if digest_of_rows(_waiting(target)) != expected:
            raise lifecycle.PreviewChanged
        lifecycle.hasten_take_down(target.pk, **said(data), **who)


ACTS: list[OrganizationAct] = [Deactivate(), Reactivate(), TakeDown()]


@dataclass(frozen=True)
class Offer:
    """An act as the case page offers it: a link, or the reason why not."""

    title: str
    link: str
    is_dangerous: bool = False
    refusal: str | None = None


def offers(user: User, organization: Organization) -> list[Offer]:
    """The acts that this person may do and that make sense now, the likely one first (P70)."""
    return [
        Offer(
            act.button(organization),
            reverse(f"admin:accounts_organization_{act.name}", args=[organization.pk]),
            act.is_dangerous,
            act.refusal(organization),
        )
        for act in ACTS
        if act.applies(organization) and act.allowed(user, organization)
    ]


def _waiting(organization):
    return (
        ControlPlane.objects.decommissioning()
        .filter(organization=organization, next_attempt_at__gt=timezone.now())
        .select_related("geo")
        .order_by("geo__position", "name")
    )
