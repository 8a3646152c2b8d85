"""Invitations that wait for an answer, as those who manage people read of them (P7)."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from post_office.models import STATUS

from accounts.models import Invitation, SystemAccount, User
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.paging import KeyPage, key_page

MAIL_STATES = {STATUS.sent: "sent", STATUS.failed: "failed"}


@dataclass(frozen=True)
class Waiting:
    """An invitation, who made it, and its last mail: `sent`, `failed`, on its `way`, or "" where there was none."""

    invitation: Invitation
    invited_by: str
    mail: str


def waiting_in(organization_id: UUID, *, after: str | None) -> tuple[KeyPage[Invitation], list[Waiting]]:
    """A page of those that are open or whose time is up, the newest first, in a fixed number of queries."""
    invitations = Invitation.objects.waiting().filter(organization=organization_id)
    page = key_page(invitations, by="-created_at", after=after)
    names = _names({row.invited_by_id for row in page.rows if row.invited_by_id})
    mails = _mails(organization_id, [row.email for row in page.rows])
    return page, [Waiting(row, names.get(row.invited_by_id, ""), mails.get(row.email, "")) for row in page.rows]


def _names(ids: Collection[UUID]) -> dict[UUID | None, str]:
    """Whoever closed their account is named no more (P56)."""
    people = User.objects.filter(pk__in=ids, closed_at__isnull=True)
    return {who.pk: str(who) for who in (*people, *SystemAccount.objects.filter(pk__in=ids))}


def _mails(organization_id: UUID, addresses: Collection[str]) -> dict[str, str]:
    sent = Mail.objects.filter(organization_id=organization_id, kind="invitation", email__to__in=addresses)
    rows = sent.order_by("email_id").values_list("email__to", "email__status")
    return {address: MAIL_STATES.get(status, "way") for [address], status in rows}
