"""Acts of support on a person: a lost way in replaced, that stopped, a closed account reopened (P56, P73)."""

from django.utils import timezone

from accounts.admin import person_columns
from accounts.admin.confirming import Shown, digest_of_rows, said, worded
from accounts.admin.forms import ActForm, AddressForm, WordForm
from accounts.admin.offering import OfferedAct
from accounts.closing import reopen_account, reopens_until, why_not_reopened
from accounts.models import Organization
from accounts.services.recovery import ask_recovery, stop_recovery_by_lead, waiting_for
from accounts.words import State


class PersonAct(OfferedAct):
    page = "person"

    def button(self, target):
        return f"{self.title} of {target.email}"

    def typed(self, target):
        return target.email

    def missed(self, target):
        return f"This makes no sense for {target.email} any more: nothing was changed."


class Recover(PersonAct):
    """In force after 72 hours; one at a time, for an open account."""

    permission = "accounts.recover_account"
    done = "It waits now. Below you see until when, and whether it was stopped."
    is_dangerous = True

    def applies(self, target):
        return target.is_active and not target.waits


class ReplaceAddress(Recover):
    name = "replace-address"
    title = "Replace the address"
    form = AddressForm

    def show(self, user, target):
        reach = person_columns.reach_of(target, at=timezone.now())
        return Shown(person_columns.of_address(reach), reach.digest)

    def act(self, target, *, data, expected, **who):
        ask_recovery(target.pk, email=data["email"], **said(data), **who)


class TakeAwaySecondFactor(Recover):
    name = "remove-second-factor"
    title = "Take away the second factor"
    form = ActForm

    def applies(self, target):
        return super().applies(target) and target.has_second_factor

    def show(self, user, target):
        reach = person_columns.reach_of(target, at=timezone.now())
        return Shown(person_columns.of_second_factor(reach), reach.digest)

    def act(self, target, *, data, expected, **who):
        ask_recovery(target.pk, **said(data), **who)


class StopRecovery(PersonAct):
    """Whatever waits; also where it should never have been asked for."""

    name = "stop-replacement"
    permission = "accounts.recover_account"
    title = "Stop the replacement"
    done = "It is stopped, and {} was told."
    form = WordForm

    def button(self, target):
        return f"{self.title} for {target.email}"

    def applies(self, target):
        return target.waits

    def show(self, user, target):
        recovery = waiting_for(target)
        return Shown(person_columns.of_stopping(recovery), digest_of_rows(filter(None, [recovery])))

    def act(self, target, *, data, expected, **who):
        stop_recovery_by_lead(target, **worded(data), **who)


class Reopen(PersonAct):
    """Until the last organization of the person is purged, unless the address has signed up anew (P56)."""

    name = "reopen"
    permission = "accounts.reopen_account"
    title = "Reopen the account"
    done = "The account of {} is open again. They choose a new password by the link mailed to them."
    form = ActForm

    def applies(self, target):
        return target.closed_at is not None

    def refusal(self, target):
        return why_not_reopened(target, at=timezone.now())

    def show(self, user, target):
        owned = list(Organization.objects.filter(owner=target, state=State.INACTIVE).order_by("name", "pk"))
        return Shown(person_columns.of_reopening(target, owned, reopens_until(target)), digest_of_rows(owned))

    def act(self, target, *, data, expected, **who):
        reopen_account(target.pk, **said(data), **who)


ACTS: list[OfferedAct] = [StopRecovery(), ReplaceAddress(), TakeAwaySecondFactor(), Reopen()]
