"""The only door to a geo's own service.

So far every geo is embedded: this database keeps its state, and asking it is a statement of its own.
"""

from datetime import timedelta

from django.db import DatabaseError, transaction
from django.db.models import F

from geos.models import ControlPlane, EmbeddedTakeDown, Geo


class GeoError(Exception):
    """A geo did not confirm, in words for support; `retry_after` where it asks not to be asked again before."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def take_down(control_plane: ControlPlane) -> None:
    """Have its geo take a control plane down for good; returns when the geo confirms, else raises GeoError.

    Asking again is confirmed again and changes nothing. Nodes and zones are left running (P43).
    """
    try:
        with transaction.atomic():
            EmbeddedTakeDown.objects.update_or_create(
                control_plane_id=control_plane.pk,
                create_defaults={"geo": control_plane.geo_id},
                defaults={"requests": F("requests") + 1},
            )
    except DatabaseError as error:
        raise GeoError(f"{control_plane.geo} did not confirm: {error}") from error


def embedded_geos() -> list[str]:
    """The geos whose state is kept here, so that their usage is complete as soon as it is recorded (P63)."""
    return list(Geo.objects.values_list("code", flat=True))
