from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from geos.models import ControlPlane


def geos_of(since: Mapping[UUID, datetime]) -> dict[UUID, set[str]]:
    """The geos in which each organization has a control plane, or had one after the moment given for it (P63)."""
    if not since:
        return {}
    there = Q(decommissioned_at__isnull=True) | Q(decommissioned_at__gt=min(since.values()))
    control_planes = ControlPlane.objects.filter(there, organization__in=since)
    geos: dict[UUID, set[str]] = defaultdict(set)
    for organization_id, geo, gone_at in control_planes.values_list("organization", "geo", "decommissioned_at"):
        if gone_at is None or gone_at > since[organization_id]:
            geos[organization_id].add(geo)
    return dict(geos)
