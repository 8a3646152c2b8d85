from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from licensing.models import License, Product


def provision_licenses(organization_ids: Collection[UUID], *, at: datetime) -> list[License]:
    """Give each organization a license for each product, valid for 365 days (P20, P22, P50).

    The caller holds the organizations. Raises IntegrityError where one has a live license already.
    """
    return License.objects.bulk_create(
        [
            License(
                organization_id=organization_id,
                product=product,
                issued_at=at,
                expires_at=at + timedelta(days=settings.LICENSE_DAYS),
            )
            for organization_id in organization_ids
            for product in Product
        ]
    )


def live_licenses(organization_ids: Collection[UUID], *, lock: bool = False) -> dict[UUID, list[UUID]]:
    """What `lapse_licenses` would end now: license ids by organization; with `lock` held until the commit."""
    live = License.objects.live().filter(organization_id__in=organization_ids).order_by("organization_id", "product")
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for organization_id, pk in (live.select_for_update() if lock else live).values_list("organization_id", "pk"):
        found[organization_id].append(pk)
    return found


def lapse_licenses(organization_ids: Collection[UUID], *, at: datetime) -> None:
    """End the live licenses (P46). What a node has received is neither recalled nor shortened (P43)."""
    License.objects.live().filter(organization_id__in=organization_ids).update(lapsed_at=at)
