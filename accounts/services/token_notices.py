"""Telling holders that their tokens expire: 14, 7 and 1 days before, and once they have (`tokens.TOLD_BEFORE`)."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db import transaction

from accounts.models import AccessToken, User
from accounts.services.teams import admins_of
from accounts.services.tokens import next_notice_at
from accounts.words import State
from konnect_portal.foundation.outbox import NewMail, queue_mails

SET_SIZE = 500


@transaction.atomic
def tell_of_expiry(*, at: datetime, at_most: int = SET_SIZE) -> int:
    """Queue the mails that are due of a set of tokens; gives how many tokens it has dealt with.

    Whoever missed several nights is told once, what is true now. What two runs find at once, one of them tells.
    """
    tokens = list(
        AccessToken.objects.filter(next_notice_at__lte=at)
        .select_related("organization", "user", "system_account")
        .order_by("next_notice_at")
        .select_for_update(of=("self",), skip_locked=True)[:at_most]
    )
    queue_mails(_mails([token for token in tokens if _still_counts(token)], at))
    for token in tokens:
        token.next_notice_at = next_notice_at(token.expires_at, after=at)
    AccessToken.objects.bulk_update(tokens, ["next_notice_at"])
    return len(tokens)


def _still_counts(token: AccessToken) -> bool:
    return token.revoked_at is None and token.organization.state == State.ACTIVE


def _mails(tokens: Iterable[AccessToken], at: datetime) -> Iterator[NewMail]:
    """One to the person whose token it is; of a system account's, one to each admin of its organization."""
    tokens = list(tokens)
    admins = admins_of({token.organization_id for token in tokens if token.user is None})
    for token in tokens:
        people = [token.user] if token.user else admins[token.organization_id]
        yield from (_mail(token, person, at) for person in people if person.is_active)


def _mail(token: AccessToken, person: User, at: datetime) -> NewMail:
    account = token.system_account
    return NewMail(
        to=person.email,
        kind="token_expires" if token.expires_at > at else "token_expired",
        context={
            "organization_name": token.organization.name,
            "token_name": token.name,
            "system_account_name": account.name if account else "",
            "expires_at": token.expires_at,
            "path": f"/organization/tokens/{account.pk}/" if account else "/account/tokens/",
        },
        organization_id=token.organization_id,
        person_id=person.pk,
    )
