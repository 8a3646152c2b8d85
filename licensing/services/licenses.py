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


def lapse_licenses(organization_ids: Collection[UUID], *, at: datetime) -> dict[UUID, list[UUID]]:
    """End the live licenses (P46); gives their ids by organization. What a node has received stays valid there (P43)."""
    lapsed = License.objects.live().filter(organization_id__in=organization_ids).order_by("organization", "product")
    ids: dict[UUID, list[UUID]] = defaultdict(list)
    for organization_id, license_id in lapsed.values_list("organization_id", "id"):
        ids[organization_id].append(license_id)
    lapsed.order_by().update(lapsed_at=at)
    return dict(ids)
