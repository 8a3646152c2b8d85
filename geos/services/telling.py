"""What geos tell of an organization: each attempt to take one of its control planes down (P42)."""

from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Func, OuterRef

from geos.models import ControlPlane, TakeDownAttempt
from konnect_portal.foundation.facts import Before, Fact, newest


def attempts_told(organization_id: UUID, before: Before | None, most: int) -> list[Fact]:
    """Its newest attempts before a place, as far as `most`.

    They are the newest of each control plane's newest, so that an index finds them among the hundreds of thousands
    that a geo leaves which is down for weeks.
    """
    own = TakeDownAttempt.objects.filter(control_plane=OuterRef("pk"))
    if before is not None:
        own = own.filter(before.condition("at"))
    of_each = ArraySubquery(own.order_by("-at", "-pk").values("pk")[:most])
    ids = Func(of_each, function="unnest", output_field=BigIntegerField(), set_returning=True)
    found = TakeDownAttempt.objects.filter(
        pk__in=ControlPlane.objects.filter(organization=organization_id).values(attempt=ids)
    )
    return [_told(attempt) for attempt in newest(found.select_related("control_plane__geo"), "at", None, most)]


def _told(attempt: TakeDownAttempt) -> Fact:
    details = {
        "Answer": str(attempt.status or ""),
        "Error": attempt.error,
        "Took": f"{attempt.milliseconds} ms",
    }
    control_plane = attempt.control_plane
    about = f"{control_plane} in {control_plane.geo}"
    return Fact(attempt.at, attempt.pk, f"Take-down {attempt.get_outcome_display().lower()}", about, details=details)
