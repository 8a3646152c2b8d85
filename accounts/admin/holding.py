"""Acts on what keeps control planes from being taken down: a hold (P58), and usage that came late (P68)."""

from django.db import transaction
from django.utils import timezone

from accounts.admin import columns
from accounts.admin.acts import OrganizationAct, decommissioning
from accounts.admin.confirming import Shown, digest_of_rows, worded
from accounts.admin.forms import HoldForm, WordForm
from accounts.admin.offering import OfferedAct
from accounts.errors import PreviewChanged
from accounts.holds import KEPT, hold_organization, release_organization
from accounts.late_usage import let_take_down_go_on
from accounts.models import Organization


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
        waiting = list(decommissioning(target))
        return Shown(columns.of_hold(target, waiting), _digest(target, waiting))

    @transaction.atomic
    def act(self, target, *, data, expected, **who):
        _expect(target, expected)
        hold_organization(target.pk, until=data["until"], **worded(data), **who)


class Release(OrganizationAct):
    """Before the hold runs out by itself."""

    name = "release"
    permission = "accounts.hold_organization"
    title = "Release from hold"
    done = "{} is released from its hold."
    form = WordForm

    def button(self, target):
        return f"Release {target.name} from its hold"

    def applies(self, target):
        return target.state in KEPT and target.is_on_hold(timezone.now())

    def missed(self, target):
        return f"{target.name} is not on hold: nothing was changed."

    def refusal(self, target):
        return None

    def show(self, user, target):
        waiting = list(decommissioning(target))
        return Shown(columns.of_release(target, waiting), _digest(target, waiting))

    @transaction.atomic
    def act(self, target, *, data, expected, **who):
        _expect(target, expected)
        release_organization(target.pk, **worded(data), **who)


class LetTakeDownGoOn(OrganizationAct):
    """It stays deactivated although usage came late (P68)."""

    name = "let-go-on"
    permission = "accounts.decide_late_usage"
    title = "Let taking down go on"
    done = "{} stays deactivated, and its taking down goes on."
    is_dangerous = True
    form = WordForm

    def button(self, target):
        return f"Let the taking down of {target.name} go on"

    def applies(self, target):
        return target.late_usage_at is not None

    def missed(self, target):
        return f"{target.name} does not wait for a decision about late usage: nothing was changed."

    def show(self, user, target):
        waiting = list(decommissioning(target))
        return Shown(columns.of_going_on(target, waiting), _digest(target, waiting))

    @transaction.atomic
    def act(self, target, *, data, expected, **who):
        _expect(target, expected)
        let_take_down_go_on(target.pk, **worded(data), **who)


FIRST: list[OfferedAct] = [Release()]
LAST: list[OfferedAct] = [LetTakeDownGoOn(), Hold()]
"""Where they are offered among the others, the likely one first."""


def _digest(organization, waiting):
    return " ".join([organization.state, str(organization.hold_until), digest_of_rows(waiting)])


def _expect(target, expected):
    """Raise PreviewChanged where the organization, held from now on, is not as it was shown."""
    organization = Organization.objects.select_for_update(no_key=True).get(pk=target.pk)
    if _digest(organization, decommissioning(organization)) != expected:
        raise PreviewChanged
