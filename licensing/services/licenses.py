import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings

from licensing.models import License, Product
from licensing.signing import expiry_date, sign, signing_key


def provision_licenses(organization_ids: Collection[UUID], *, at: datetime) -> list[License]:
    """Give each organization a signed license for each product, valid for 365 days (P20, P22, P50).

    The caller holds the organizations. Raises IntegrityError where one has a live license already.
    """
    return issue_licenses([(id, product) for id in organization_ids for product in Product], at=at)


def issue_licenses(wanted: Iterable[tuple[UUID, str]], *, at: datetime) -> list[License]:
    """Sign and write a license for each organization and product. Locks and errors as in `provision_licenses`."""
    key = signing_key()
    expires_at = at + timedelta(days=settings.LICENSE_DAYS)
    return License.objects.bulk_create(
        License(
            organization_id=organization_id,
            product=product,
            issued_at=at,
            expires_at=expires_at,
            key_id=key.id,
            document=sign(_payload(organization_id, Product(product), at, expires_at), key),
        )
        for organization_id, product in wanted
    )


def _payload(organization_id: UUID, product: Product, issued_at: datetime, expires_at: datetime) -> dict[str, str]:
    """The customer is the organization's id: a name changes, and is erased one day where the document is not."""
    return {
        "admin_seats": "unlimited",
        "customer": str(organization_id),
        "dataplanes": "unlimited",
        "license_creation_date": issued_at.astimezone(UTC).date().isoformat(),
        "license_expiration_date": expiry_date(expires_at).isoformat(),
        "license_key": secrets.token_urlsafe(24),
        "product_subscription": product.label,
        "support_plan": "None",
    }


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
