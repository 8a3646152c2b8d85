"""Licenses on their way to nodes, associations and zones (P21)."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import OuterRef, Subquery

from licensing.models import License, LicenseDelivery


def live_license_id(organization: OuterRef, product: OuterRef) -> Subquery:
    """The id of the live license that `license_to_deliver` would give, as a part of somebody else's query."""
    live = License.objects.live().filter(organization=organization, product=product)
    return Subquery(live.order_by().values("pk"))


def license_to_deliver(organization_id: UUID, product: str) -> License | None:
    """The live license for a product, with its document; None once it lapsed (P46)."""
    return License.objects.live().filter(organization=organization_id, product=product).first()


def record_deliveries(license_id: UUID, receiver_ids: Collection[UUID], at: datetime) -> None:
    """Record that they received the license; whoever had received it before keeps their first moment."""
    LicenseDelivery.objects.bulk_create(
        [
            LicenseDelivery(license_id=license_id, receiver_id=receiver_id, delivered_at=at)
            for receiver_id in sorted(set(receiver_ids))
        ],
        ignore_conflicts=True,
    )
