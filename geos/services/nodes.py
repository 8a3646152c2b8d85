"""Nodes, associations and zones as pages show them: which run, which are out of sync, since when not (P13).

What they say of themselves is shown as they said it and decides nothing.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Case, F, Q, QuerySet, When

from geos.models import DataPlaneNode, MeshZone

CLOCK_MAY_BE_OFF = 300
"""Seconds, either way."""


def nodes_of(control_plane_ids: Collection[UUID], at: datetime) -> QuerySet[DataPlaneNode]:
    """The nodes and associations of these control planes, with `is_running`, `is_out_of_sync` and `is_clock_off`.

    Running: checked in within 5 minutes. Out of sync: said lately to have another configuration than the current one.
    """
    return _told(DataPlaneNode.objects.filter(control_plane__in=control_plane_ids), at)


def zones_of(control_plane_ids: Collection[UUID], at: datetime) -> QuerySet[MeshZone]:
    """The zones of these control planes, told as nodes are."""
    return _told(MeshZone.objects.filter(control_plane__in=control_plane_ids), at)


def _told[Row: (DataPlaneNode, MeshZone)](rows: QuerySet[Row], at: datetime) -> QuerySet[Row]:
    lately = at - timedelta(seconds=settings.NODE_RUNNING_SECONDS)
    in_sync = Q(configuration_version=F("control_plane__configuration_version"))
    return rows.select_related("control_plane").annotate(
        is_running=_is(Q(last_check_in_at__gt=lately)),
        is_out_of_sync=_is(Q(last_check_in_at__isnull=False) & ~in_sync),
        is_clock_off=_is(Q(clock_offset_seconds__gt=CLOCK_MAY_BE_OFF) | Q(clock_offset_seconds__lt=-CLOCK_MAY_BE_OFF)),
    )


def _is(condition: Q) -> Case:
    """True or false, also where a column is empty."""
    return Case(When(condition, then=True), default=False)
