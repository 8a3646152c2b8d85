"""What geos tell of an organization: each attempt to take one of its control planes down (P42)."""

from geos.models import TakeDownAttempt
from konnect_portal.foundation.facts import Fact, teller


def _attempt(attempt: TakeDownAttempt) -> Fact:
    details = {
        "Answer": str(attempt.status or ""),
        "Error": attempt.error,
        "Took": f"{attempt.milliseconds} ms",
    }
    control_plane = attempt.control_plane
    about = f"{control_plane} in {control_plane.geo}"
    return Fact(attempt.at, attempt.pk, f"Take-down {attempt.get_outcome_display().lower()}", about, details=details)


attempts_told = teller(
    lambda organization_id: TakeDownAttempt.objects.filter(control_plane__organization=organization_id).select_related(
        "control_plane__geo"
    ),
    "at",
    _attempt,
)
