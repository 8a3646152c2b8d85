"""Who still checks in with control planes that hand out nothing any more (P43)."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber

from geos.models import DataPlaneNode, MeshZone


@dataclass(frozen=True)
class Left:
    """A node, association or zone that only its operator can stop. Running: checked in within 5 minutes (P13)."""

    name: str
    version: str
    last_check_in_at: datetime
    is_running: bool


@dataclass
class LeftRunning:
    """Those of one control plane, the latest first; `count` is all there are."""

    count: int = 0
    shown: list[Left] = field(default_factory=list)

    @property
    def more(self) -> int:
        return self.count - len(self.shown)


def left_running(
    nodes_of: Collection[UUID], zones_of: Collection[UUID], *, since: datetime, at: datetime, most: int
) -> dict[UUID, LeftRunning]:
    """Who runs at `at` or has checked in since `since`, by control plane, up to `most` nodes and zones of each.

    Asked are the nodes and the zones of the control planes with these ids. Those with which nobody checks in are left
    out.
    """
    running_since = at - timedelta(seconds=settings.NODE_RUNNING_SECONDS)
    found: dict[UUID, LeftRunning] = defaultdict(LeftRunning)
    for model, name, ids in ((DataPlaneNode, "hostname", nodes_of), (MeshZone, "name", zones_of)):
        rank = Window(RowNumber(), partition_by="control_plane", order_by=[F("last_check_in_at").desc(), name, "pk"])
        count = Window(Count("pk"), partition_by="control_plane")
        seen = model.objects.filter(control_plane__in=ids, last_check_in_at__gte=min(since, running_since))
        rows = seen.annotate(rank=rank, count=count).filter(rank__lte=most).order_by("control_plane", "rank")
        for id, place, total, called, version, seen_at in rows.values_list(
            "control_plane", "rank", "count", name, "version", "last_check_in_at"
        ):
            found[id].count += total if place == 1 else 0
            found[id].shown.append(Left(called, version, seen_at, seen_at > running_since))
    return dict(found)
