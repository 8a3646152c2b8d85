"""Acts of support on an organization, by the grammar of `delete_selected`: may I, what will change, why, act, tell."""

from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import lifecycle, second_lead
from accounts.admin import columns
from accounts.admin.confirming import Shown, digest_of_rows, said
from accounts.admin.forms import DeactivateForm, OwnerForm, ReactivateForm, WordForm
from accounts.admin.offering import OfferedAct
from accounts.admin.proving import proofs_for
from accounts.columns import later
from accounts.forms.taking_down import take_down_moment
from accounts.models import Organization, User
from accounts.previews import deactivation_of, reactivation_of
from accounts.rights import check_proof
from accounts.services.approvals import waiting_for_target
from accounts.services.contracts import needing_second_lead
from accounts.services.ownership import heirs_of, transfer_ownership, why_owner_stays
from accounts.words import Reason, State, Via, Wish
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

    def button(self, target):
        return f"Ask a second lead to deactivate {target.name}" if _needs_second(target) else super().button(target)

    def told(self, target):
        if _needs_second(target):
            return f"Nothing has changed yet: another lead has {settings.APPROVAL_HOURS} hours to confirm it."
        return super().told(target)

    def refusal(self, organization):
        if _needs_second(organization) and waiting_for_target(second_lead.ACT, organization.pk):
            return "A second lead was asked to confirm it."
        return None

    def show(self, user, target):
        preview = deactivation_of(target, at=timezone.now())
        may_choose = user.has_perm("accounts.hasten_take_down")
        when = f"now or {later()}, as you choose below" if may_choose else later()
        options = {
            "may_choose": may_choose,
            "delay_hours": settings.TAKE_DOWN_DELAY_HOURS,
            "proofs": proofs_for(user, Wish.DEACTIVATE, target.pk),
        }
        return Shown(columns.of_deactivation(preview, when=when), preview.digest, options)

    def act(self, target, *, data, expected, **who):
        choice = data.get("take_down")
        if _needs_second(target):
            second_lead.ask_to_deactivate(
                target.pk,
                reason=Reason(data["reason"]),
                show=partial(columns.of_deactivation, when=columns.when_taken_down(choice)),
                take_down=choice,
                expected=expected,
                **said(data),
                **who,
            )
            return
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
    template = "admin/accounts/organization/reactivate.html"

    def applies(self, organization):
        return organization.state == State.INACTIVE

    def missed(self, target):
        if target.state == State.ACTIVE:
            return super().missed(target)
        return f"{target.name} was purged: its data went on {absolute(target.purge_at)}, and it can't come back."

    def refusal(self, target):
        if not target.owner.is_active and not _possible_owners(target).exists():
            return "The owner’s account is closed, and so is every other member’s. Invite an owner, or reopen it."
        return super().refusal(target)

    def show(self, user, target):
        preview = reactivation_of(target, at=timezone.now())
        owners = _possible_owners(target) if preview.needs_owner else None
        proofs = proofs_for(user, Wish.REACTIVATE, target.pk)
        return Shown(columns.of_reactivation(preview), preview.digest, {"owners": owners, "proofs": proofs})

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
    form = WordForm

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
        members = _possible_owners(target)
        admins = list(heirs_of(target))
        return Shown(
            columns.of_owner(target, admins, members.count()),
            _digest_of_owner(target, admins),
            {"members": members, "proofs": proofs_for(user, Wish.NAME_OWNER, target.pk)},
        )

    @transaction.atomic
    def act(self, target, *, data, expected, **who):
        organization = Organization.objects.active().select_for_update(no_key=True).filter(pk=target.pk).first()
        if organization is None or _digest_of_owner(organization, heirs_of(organization)) != expected:
            raise lifecycle.PreviewChanged
        check_proof(
            who["actor"],
            Wish.NAME_OWNER,
            via=Via.ADMIN,
            proof=data["proof"],
            organizations=[target.pk],
            at=timezone.now(),
            note=data["note"],
        )
        transfer_ownership(organization.pk, to=data["owner"].pk, **said(data), **who)


def _possible_owners(organization):
    """Other members whom support can name (P3, P53)."""
    members = User.objects.filter(memberships__organization=organization, is_active=True)
    return members.exclude(pk=organization.owner_id).order_by("full_name", "email")


def _needs_second(organization) -> bool:
    """Whether a second lead has to confirm its deactivation (P71)."""
    return bool(needing_second_lead([organization.pk], at=timezone.now()))


ACTS: list[OfferedAct] = [Deactivate(), Reactivate(), TakeDown(), NameOwner()]


def _digest_of_owner(organization, admins):
    return " ".join([str(organization.owner_id), organization.contact_email, digest_of_rows(admins)])


def decommissioning(organization):
    rows = ControlPlane.objects.decommissioning().filter(organization=organization)
    return rows.select_related("geo").order_by("geo__position", "name")


def _waiting(organization):
    return decommissioning(organization).filter(next_attempt_at__gt=timezone.now())
