"""Marking an organization "never deactivate", and the end of it (P63)."""

from datetime import UTC, datetime, time

from django.utils import timezone

from accounts.admin.acts import OrganizationAct
from accounts.admin.confirming import Shown, digest_of_rows, worded
from accounts.admin.forms import ExemptForm, WordForm
from accounts.columns import Column, line
from accounts.models import Exemption
from accounts.services.exemptions import RIGHT, end_exemption, exempt
from accounts.words import State
from konnect_portal.foundation.moments import absolute


class ExemptionAct(OrganizationAct):
    permission = RIGHT

    def refusal(self, target):
        return None


class Exempt(ExemptionAct):
    name = "exempt"
    title = "Exempt"
    done = "{} is left alone by the inactivity check."
    form = ExemptForm

    def button(self, target):
        return f"Exempt {target.name} from the inactivity check"

    def applies(self, target):
        return target.state == State.ACTIVE and not _live(target)

    def show(self, user, target):
        will = [line(f"Keep the inactivity check from warning and deactivating {target.name}")]
        keeps = [line("Keep its owner or support from deactivating it"), line("Change its plan or its billing")]
        undoing = [line("A lead ends it on the organization’s page, or it ends on the day you name")]
        return Shown(
            [
                Column("This will", "stop", will),
                Column("This will not", "keep", keeps),
                Column("Undoing it", "undo", undoing),
            ],
            digest_of_rows(_live(target)),
        )

    def act(self, target, *, data, expected, **who):
        until = data["until"] and datetime.combine(data["until"], time(), tzinfo=UTC)
        exempt(target.pk, until=until, **worded(data), **who)


class EndExemption(ExemptionAct):
    name = "end-exemption"
    title = "Check for inactivity again"
    done = "{} is checked for inactivity again."
    form = WordForm

    def button(self, target):
        return f"Check {target.name} for inactivity again"

    def applies(self, target):
        return target.state == State.ACTIVE and bool(_live(target))

    def show(self, user, target):
        [exemption] = live = _live(target)
        until = f"until {absolute(exemption.until)}" if exemption.until else "without end"
        will = [
            line(f"End “never deactivate”, which holds {until}", [exemption.reason]),
            line("Have the check look at it at its next hourly run: idle on Free, it is warned and deactivated"),
        ]
        return Shown([Column("This will", "stop", will)], digest_of_rows(live))

    def act(self, target, *, data, expected, **who):
        end_exemption(target.pk, **worded(data), **who)


def _live(organization) -> list[Exemption]:
    return list(Exemption.objects.live(timezone.now()).filter(organization=organization))


ACTS = [Exempt(), EndExemption()]
