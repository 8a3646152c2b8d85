"""What staff read before an act on a person: what it will change and what it will not."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils import timezone

from accounts.columns import Column, Line, counted, line
from accounts.models import AccessToken, Organization, Recovery, Session, User
from accounts.services.recovery import GONE
from konnect_portal.foundation.moments import absolute

FACTORS = {
    Authenticator.Type.TOTP: "authenticator app",
    Authenticator.Type.RECOVERY_CODES: "recovery codes",
    Authenticator.Type.WEBAUTHN: "passkey",
}


def names_of(factors: Iterable[Authenticator]) -> list[str]:
    """What a person shows besides the password, each once."""
    return sorted({FACTORS[factor.type] for factor in factors})


@dataclass(frozen=True)
class Reach:
    """What hangs on a person's way in, by name."""

    person: User
    sessions: int
    tokens: list[AccessToken]
    factors: list[Authenticator]
    contacts: list[Organization]

    @property
    def digest(self) -> str:
        rows: list = [*self.tokens, *self.factors, *self.contacts]
        return " ".join([self.person.email, *sorted(str(row.pk) for row in rows)])


def reach_of(person: User, *, at: datetime) -> Reach:
    contacts = Organization.objects.filter(owner=person, contact_email=person.email)
    return Reach(
        person,
        Session.objects.filter(user_id=person.pk, expire_date__gt=at).count(),
        list(AccessToken.objects.live(at).filter(user=person).select_related("organization")),
        list(Authenticator.objects.filter(user=person)),
        list(contacts.order_by("name", "pk")),
    )


def of_address(reach: Reach) -> list[Column]:
    return [
        Column(
            "This will",
            "stop",
            [
                *_tells(reach),
                line("Mail a link to the new address, which has to be followed"),
                line(f"{_when()}: make the new address theirs, to sign in with and to write to"),
                *_contacts(reach),
                line("Take their password: by a link to the new address they choose another one"),
                *_ends(reach),
            ],
        ),
        Column("This will not", "keep", [*_before(), line("Take away their second factor"), *_keeps()]),
        Column("Undoing it", "undo", _stopping(reach)),
    ]


def of_second_factor(reach: Reach) -> list[Column]:
    factors = names_of(reach.factors)
    return [
        Column(
            "This will",
            "stop",
            [
                *_tells(reach),
                line(f"{_when()}: take away what they show besides the password", factors),
                *_ends(reach),
            ],
        ),
        Column("This will not", "keep", [*_before(), line("Change their address or password"), *_keeps()]),
        Column("Undoing it", "undo", _stopping(reach)),
    ]


def of_stopping(recovery: Recovery | None) -> list[Column]:
    if recovery is None:
        return [Column("This will", "stop", [line(f"Change nothing. {GONE}")])]
    told = line("Tell by mail", filter(None, [recovery.user.email, recovery.email]))
    keeps = [line("End sessions or tokens"), line("Keep anybody from asking once more")]
    return [
        Column("This will", "stop", [line(f"Stop it for good: the {recovery.what} stays"), told]),
        Column("This will not", "keep", keeps),
    ]


def of_reopening(person: User, owned: list[Organization], until: datetime) -> list[Column]:
    """`owned` are those that were deactivated and are still kept."""
    return [
        Column(
            "Comes back",
            "keep",
            [
                line(f"The account of {person.email}, with its name and address"),
                line("By a link mailed there they choose a new password", [person.email]),
            ],
        ),
        Column(
            "Does not come back",
            "stop",
            [
                line("Memberships, teams and roles: they are invited anew"),
                line("Second factor, sessions and personal tokens"),
                *_stays_deactivated(owned),
            ],
        ),
        Column(
            "Undoing it",
            "undo",
            [line("They can delete it again at My Account"), line(f"Reopening is possible until {absolute(until)}")],
        ),
    ]


def _stays_deactivated(owned: list[Organization]) -> Iterable[Line]:
    if owned:
        yield line(f"{_organizations(len(owned))} that they own, until reactivated", map(str, owned))


def _when() -> str:
    return f"On {absolute(timezone.now() + timedelta(hours=settings.RECOVERY_HOURS))}"


def _tells(reach: Reach) -> Iterable[Line]:
    yield line("Tell their present address at once, with a link that stops it", [reach.person.email])


def _contacts(reach: Reach) -> Iterable[Line]:
    if reach.contacts:
        yield line(f"Let the contact e-mail of {_organizations(len(reach.contacts))} follow", map(str, reach.contacts))


def _ends(reach: Reach) -> Iterable[Line]:
    tokens = (f"{token} ({token.organization})" for token in reach.tokens)
    yield line(
        f"End {counted(reach.sessions, 'session')} and revoke {counted(len(reach.tokens), 'personal token')}", tokens
    )


def _before() -> Iterable[Line]:
    yield line(f"Change anything in the next {settings.RECOVERY_HOURS} hours")


def _keeps() -> Iterable[Line]:
    yield line("Change teams, roles or organizations")


def _stopping(reach: Reach) -> list[Line]:
    return [
        line("Until then it is stopped by the link, by them while they can sign in, or here by a lead"),
        line("After that it can only be replaced once more"),
    ]


def _organizations(count: int) -> str:
    return counted(count, "organization")
