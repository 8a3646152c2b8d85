"""The geos that an organization works in (P10)."""

from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from geos.models import Geo, OrganizationGeo
from konnect_portal.foundation.organizations import hold_organization


def opened_geos(organization_id: UUID) -> QuerySet[Geo]:
    """Each with `is_home`, whether it is the organization's home."""
    opened = Geo.objects.filter(organization_geos__organization=organization_id)
    return opened.annotate(is_home=F("organization_geos__is_home"))


def geos_to_open(organization_id: UUID) -> QuerySet[Geo]:
    """Those that the organization has not opened, with those that are opted in to."""
    return Geo.objects.exclude(organization_geos__organization=organization_id)


@transaction.atomic
def open_geo(organization_id: UUID, code: str) -> bool:
    """Let an active organization have control planes in a geo; False where it could already.

    Raises Geo.DoesNotExist, and the organization's DoesNotExist where it is not active.
    """
    organization = hold_organization(organization_id)
    geo = Geo.objects.get(pk=code)
    _, is_new = OrganizationGeo.objects.get_or_create(organization=organization, geo=geo)
    return is_new
