from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from billing.models import Invoice


def issued_invoices(organization_ids: Collection[UUID]) -> QuerySet[Invoice]:
    """The invoices of these organizations that were issued and so never change, the latest period first (P41)."""
    issued = Invoice.objects.issued().filter(organization_id__in=organization_ids)
    return issued.select_related("charge").order_by("-period_start", "-number")
