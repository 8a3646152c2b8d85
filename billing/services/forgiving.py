"""What a stop leaves unbilled: used of paid Plus, and on no issued invoice (P41)."""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime
from uuid import UUID

import structlog

from billing.models import Invoice, Subscription
from billing.services.billed import Ledger
from billing.services.closing import due_drafts
from billing.services.prices import PriceListError
from billing.services.subscribing import period_of

logger = structlog.get_logger(__name__)


def unbilled_cents(organization_ids: Collection[UUID], *, at: datetime) -> Counter[UUID]:
    """What each organization's next invoices would come to if its plan ended at `at`, before credits.

    In a fixed number of statements. What a price list with a gap keeps from being priced counts as nothing.
    """
    drafts = sorted(_drafts(organization_ids, at), key=lambda draft: draft.period_end)
    if not drafts:
        return Counter()
    ledger = Ledger.of(drafts)
    cents: Counter[UUID] = Counter()
    for draft in drafts:
        cents[draft.organization_id] += _cost(ledger, draft)
    return cents


def _drafts(organization_ids: Collection[UUID], at: datetime) -> Iterator[Invoice]:
    """Those that were made, and those that would be; nothing is written."""
    here = {"organization__in": organization_ids}
    yield from Invoice.objects.filter(**here, issued_at__isnull=True, voided_at__isnull=True)
    for subscription in Subscription.objects.filter(**here, closes_at__isnull=False):
        yield from due_drafts(subscription, at)
        if subscription.closes_at is not None and period_of(subscription)[0] < at:
            yield Invoice(
                organization_id=subscription.organization_id,
                subscription=subscription,
                period_start=period_of(subscription)[0],
                period_end=at,
            )


def _cost(ledger: Ledger, draft: Invoice) -> int:
    try:
        return sum(line.amount_cents for line in ledger.lines(draft))
    except PriceListError as error:
        logger.error(
            "what is forgiven could not be priced", organization=str(draft.organization_id), reason=str(error)
        )
        return 0
