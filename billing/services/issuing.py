"""Drafts become invoices (P34): priced, credits spent first, numbered, and from then on unchanged."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from billing.models import Charge, Invoice, InvoiceLine
from billing.services.billed import Ledger
from billing.services.credits import spend_credits
from billing.services.prices import PriceListError
from konnect_portal.foundation.organizations import hold_organizations

NUMBERS = 6_001_034
"""The advisory lock under which numbers are given, held until the commit: none is seen before a smaller one."""

WRITTEN = [
    "price_list",
    "number",
    "organization_name",
    "contact_email",
    "total_cents",
    "credit_cents",
    "issued_at",
]

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Done:
    """How many invoices, and for how many organizations it failed."""

    invoices: int = 0
    failed: int = 0

    def __add__(self, other: "Done") -> "Done":
        return Done(self.invoices + other.invoices, self.failed + other.failed)


# Complete is a period when its last hour is, which begins in it and may end after it.
READY = """
SELECT invoice.id, invoice.organization_id
FROM billing_invoice AS invoice
WHERE invoice.issued_at IS NULL AND invoice.voided_at IS NULL
    AND (%(ids)s::uuid[] IS NULL OR invoice.organization_id = ANY(%(ids)s::uuid[]))
    AND (
        invoice.period_end <= %(waited)s
        OR NOT EXISTS (
            SELECT FROM geos_organizationgeo AS here
            LEFT JOIN billing_geousage AS usage ON usage.geo = here.geo_id
            WHERE here.organization_id = invoice.organization_id AND coalesce(
                usage.complete_through < date_trunc('hour', invoice.period_end - interval '1 microsecond', 'UTC')
                    + interval '1 hour',
                true
            )
        )
    )
ORDER BY invoice.period_end, invoice.id
"""


def ready_organizations(at: datetime) -> Iterable[UUID]:
    """Who has a draft that every geo has reported, or that has waited for 72 hours."""
    return dict.fromkeys(organization_id for _, organization_id in _ready(at))


@transaction.atomic
def issue_drafts(organization_ids: Collection[UUID], at: datetime) -> Done:
    """Issue the drafts of these organizations that are ready, each organization's in order.

    One whose price list has a gap keeps its drafts.
    """
    held = hold_organizations(organization_ids)
    ready = Invoice.objects.filter(pk__in=[id for id, _ in _ready(at, held)])
    drafts = list(ready.select_related("organization").order_by("period_end", "pk"))
    lines = _lines(drafts)
    priced = [draft for draft in drafts if draft.organization_id in lines]
    InvoiceLine.objects.bulk_create(line for some in lines.values() for line in some)
    spend_credits(priced, at=at)
    _issue(priced, at=at)
    return Done(len(priced), len({draft.organization_id for draft in drafts} - lines.keys()))


def _ready(at: datetime, organization_ids: Collection[UUID] | None = None) -> list[tuple[UUID, UUID]]:
    ids = None if organization_ids is None else list(organization_ids)
    waited = at - timedelta(hours=settings.CLOSE_WAIT_HOURS)
    with connection.cursor() as cursor:
        cursor.execute(READY, {"ids": ids, "waited": waited})
        return cursor.fetchall()


def _lines(drafts: Sequence[Invoice]) -> dict[UUID, list[InvoiceLine]]:
    """The lines of all drafts of each organization; one is missing where its price list has a gap."""
    ledger = Ledger.of(drafts)
    by_organization: dict[UUID, list[Invoice]] = defaultdict(list)
    for draft in drafts:
        by_organization[draft.organization_id].append(draft)
    found = {}
    for id, some in by_organization.items():
        try:
            found[id] = [line for draft in some for line in ledger.lines(draft)]
        except PriceListError as error:
            logger.error("the invoices of an organization were not issued", organization=str(id), reason=str(error))
    return found


def _issue(drafts: Sequence[Invoice], *, at: datetime) -> None:
    """Number them, keep the names as they are now, and have charged what credits leave."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERS])
    last = Invoice.objects.aggregate(last=Max("number"))["last"] or 0
    for number, draft in enumerate(drafts, last + 1):
        draft.number = number
        draft.issued_at = at
        draft.organization_name = draft.organization.name
        draft.contact_email = draft.organization.contact_email
    Invoice.objects.bulk_update(drafts, WRITTEN)
    Charge.objects.bulk_create(
        Charge(invoice=draft, amount_cents=draft.due_cents, created_at=at, next_attempt_at=at)
        for draft in drafts
        if draft.due_cents
    )
