"""Acts of support on an organization, by the grammar of `delete_selected`: may I, what will change, why, act, tell."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import lifecycle
from accounts.admin import columns
from accounts.admin.confirming import Shown, digest_of_rows, said
from accounts.admin.forms import DeactivateForm, HoldForm, OwnerForm, ReactivateForm, StopForm, TakeDownForm
from accounts.admin.offering import OfferedAct
from accounts.columns import later
from accounts.forms.taking_down import take_down_moment
from accounts.holds import KEPT, hold_organization, release_organization
from accounts.late_usage import let_take_down_go_on
from accounts.models import Organization, User
from accounts.previews import deactivation_of, reactivation_of
from accounts.services.ownership import heirs_of, transfer_ownership, why_owner_stays
from accounts.words import Reason, State
from billing.models import Plan
from billing.services import plans
from geos.models import ControlPlane
from konnect_portal.foundation.moments import absolute


class OrganizationAct(OfferedAct):
    """An act on an organization; one on hold is left as it is (P58)."""

    page = "organization"

    def button(self, target):
        return f"{self.title} {target.name}"

    def typed(self, target):
        return target.name

    def missed(self, target):
        return f"{target.name} is {target.get_state_display().lower()}: nothing was changed."

    def refusal(self, target):
        return hold_of(target)


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
        waits_for_lead = organization.late_usage_at is not None
        return organization.state == State.INACTIVE and not waits_for_lead and _waiting(organization).exists()

    def show(self, user, target):
        waiting = list(_waiting(target))
        return Shown(columns.of_take_down(waiting), digest_of_rows(waiting))

    @transaction.atomic
    def act(self, target, *, data, expected, **who):
        Organization.objects.select_for_update().get(pk=target.pk)
        if digest_of_rows(_waiting(target)) != expected:
            raise lifecycle.PreviewChanged
        lifecycle.hasten_take_down(target.pk, **said(data), **who)


class NameOwner(OrganizationAct):
    """For an owner whose account is closed or who has not been seen for 60 days (P3)."""

    name = "name-owner"
    permission = "accounts.transfer_ownership"
    title = "Name another owner"
    done = "{} has another owner now. Old owner, new owner and admins are told by mail."
    form = OwnerForm

    def button(self, target):
        return f"Name another owner of {target.name}"

    def applies(self, target):
        return target.state == State.ACTIVE

    def refusal(self, target):
        return why_owner_stays(target, at=timezone.now())

    def show(self, user, target):
        members = User.objects.filter(memberships__organization=target, is_active=True).exclude(pk=target.owner_id)
        admins = list(heirs_of(target))
        return Shown(
            columns.of_owner(target, admins, members.count()), _digest_of_owner(target, admins), {"members": members}
        )

    @transaction.atomic
    def act(self, target, *, data, expected, **who):
        organization = Organization.objects.active().select_for_update(no_key=True).filter(pk=target.pk).first()
        if organization is None or _digest_of_owner(organization, heirs_of(organization)) != expected:
            raise lifecycle.PreviewChanged
        transfer_ownership(organization.pk, to=data["owner"].pk, **said(data), **who)


class Hold(OrganizationAct):
    """Nothing is taken down, purged, reactivated or deactivated by the check for a while (P58)."""

    name = "hold"
    permission = "accounts.hold_organization"
    title = "Put on hold"
    done = "{} is on hold. It ends by itself, or when a lead releases it."
    form = HoldForm

    def button(self, target):
        on_hold = target.is_on_hold(timezone.now())
        return f"Change the hold on {target.name}" if on_hold else f"Put {target.name} on hold"

    def applies(self, target):
        return target.state in KEPT

    def refusal(self, target):
        return None

    def show(self, user, target):
        waiting = list(_decommissioning(target))
        return Shown(columns.of_hold(target, waiting), _digest_of_hold(target, waiting))

    @transaction.atomic
    def act(self, target, *, data, expected, **who):
        _expect_hold(target, expected)
        hold_organization(target.pk, until=data["until"], **said(data), **who)


class Release(OrganizationAct):
    """Before the hold runs out by itself."""

    name = "release"
    permission = "accounts.hold_organization"
    title = "Release from hold"
    done = "{} is released from its hold."
    form = StopForm

    def button(self, target):
        return f"Release {target.name} from its hold"

    def applies(self, target):
        return target.is_on_hold(timezone.now())

    def missed(self, target):
        return f"{target.name} is not on hold: nothing was changed."

    def refusal(self, target):
        return None

    def show(self, user, target):
        waiting = list(_decommissioning(target))
        return Shown(columns.of_release(target, waiting), _digest_of_hold(target, waiting))

    @transaction.atomic
    def act(self, target, *, data, expected, **who):
        _expect_hold(target, expected)
        release_organization(target.pk, **said(data), **who)


class LetTakeDownGoOn(OrganizationAct):
    """It stays deactivated although usage came late (P68)."""

    name = "let-go-on"
    permission = "accounts.decide_late_usage"
    title = "Let taking down go on"
    done = "{} stays deactivated, and its taking down goes on."
    is_dangerous = True
    form = StopForm

    def button(self, target):
        return f"Let the taking down of {target.name} go on"

    def applies(self, target):
        return target.late_usage_at is not None

    def missed(self, target):
        return f"{target.name} does not wait for a decision about late usage: nothing was changed."

    def show(self, user, target):
        waiting = list(_decommissioning(target))
        return Shown(columns.of_going_on(target, waiting), _digest_of_hold(target, waiting))

    @transaction.atomic
    def act(self, target, *, data, expected, **who):
        _expect_hold(target, expected)
        let_take_down_go_on(target.pk, **said(data), **who)


ACTS: list[OfferedAct] = [
    Release(),
    Deactivate(),
    Reactivate(),
    LetTakeDownGoOn(),
    TakeDown(),
    NameOwner(),
    Hold(),
]


def _digest_of_owner(organization, admins):
    return " ".join([str(organization.owner_id), organization.contact_email, digest_of_rows(admins)])


def _decommissioning(organization):
    rows = ControlPlane.objects.decommissioning().filter(organization=organization)
    return rows.select_related("geo").order_by("geo__position", "name")


def _waiting(organization):
    return _decommissioning(organization).filter(next_attempt_at__gt=timezone.now())


def _digest_of_hold(organization, waiting):
    return " ".join([organization.state, str(organization.hold_until), digest_of_rows(waiting)])


def _expect_hold(target, expected):
    """Raise PreviewChanged where the organization, held from now on, is not as it was shown."""
    organization = Organization.objects.select_for_update(no_key=True).get(pk=target.pk)
    if _digest_of_hold(organization, _decommissioning(organization)) != expected:
        raise lifecycle.PreviewChanged
