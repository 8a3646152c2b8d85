"""Acts of an administrator on a colleague; never on themselves (P70)."""

from allauth.mfa.models import Authenticator

from accounts.admin.confirming import Shown, digest_of_rows, worded
from accounts.admin.forms import TierForm, WordForm
from accounts.admin.offering import OfferedAct
from accounts.columns import Column, counted, line
from accounts.errors import PreviewChanged
from accounts.models import Session, User
from accounts.staffing import RIGHT, change_tier, end_staff, reset_second_factor
from accounts.words import Tier


class StaffAct(OfferedAct):
    page = "user"
    permission = RIGHT
    is_dangerous = True
    form = WordForm

    def button(self, target):
        return f"{self.title} of {target.email}"

    def typed(self, target):
        return target.email

    def missed(self, target):
        return f"This makes no sense for {target.email} any more: nothing was changed."

    def applies(self, target):
        return target.is_active

    def allowed(self, user, target):
        return super().allowed(user, target) and user.pk != target.pk


class ChangeTier(StaffAct):
    name = "change-tier"
    title = "Change the tier"
    done = "{} has another tier, in force with their next request."
    is_dangerous = False
    form = TierForm

    def show(self, user, target):
        tier = _tier_of(target)
        will = [line(f"Move them from {tier} to the tier that you choose below, with their next request")]
        keeps = [line("Sign them out"), line("Undo what they have done or asked a second lead for")]
        return Shown(_columns(will, keeps), tier)

    def act(self, target, *, data, expected, **who):
        if _tier_of(target) != expected:
            raise PreviewChanged
        change_tier(target, tier=Tier(data["tier"]), **worded(data), **who)


class EndStaff(StaffAct):
    name = "end"
    title = "End the account"
    done = "{} is no longer staff, and signed out everywhere."

    def show(self, user, target):
        sessions = Session.objects.filter(user_id=target.pk).count()
        will = [
            line(f"End {counted(sessions, 'session')} at once: their next click is refused"),
            line("Take away their tier and their second factor, for good"),
        ]
        keeps = [line("Delete anything: what they did and looked up stays on record, with their name")]
        return Shown(_columns(will, keeps), _tier_of(target))

    def act(self, target, *, data, expected, **who):
        end_staff(target, **worded(data), **who)


class ResetSecondFactor(StaffAct):
    """For a colleague who lost theirs."""

    name = "reset-second-factor"
    title = "Reset the second factor"
    done = "The second factor of {} is gone. At the next sign-in they set up a new one."

    def applies(self, target):
        return super().applies(target) and target.second_factor

    def show(self, user, target):
        factors = list(Authenticator.objects.filter(user=target))
        will = [
            *(line(f"Remove: {factor.get_type_display()}") for factor in factors),
            line("End every session of theirs"),
        ]
        keeps = [line("Change their password, which the next sign-in asks for"), line("Change their tier")]
        return Shown(_columns(will, keeps), digest_of_rows(factors))

    def act(self, target, *, data, expected, **who):
        reset_second_factor(target, **worded(data), **who)


def _columns(will, keeps) -> list[Column]:
    return [Column("This will", "stop", will), Column("This will not", "keep", keeps)]


def _tier_of(user: User) -> str:
    tier = User.objects.get(pk=user.pk).tier
    return tier.label if tier else "None"


ACTS: list[OfferedAct] = [ChangeTier(), EndStaff(), ResetSecondFactor()]
