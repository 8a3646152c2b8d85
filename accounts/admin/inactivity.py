"""Why an organization is due for the inactivity check, or when it will be, in a sentence (P67)."""

from django.conf import settings

from accounts.inactivity import Standing, inactivity_days
from konnect_portal.foundation.moments import absolute, distance

SEEN = {
    "login": "somebody signed in",
    "created": "it was created",
    "reactivated": "it was reactivated",
    "free": "it came onto Free",
    "trial": "its trial ends",
}


def explain(standing: Standing) -> str:
    """In words; `standing` is of an active organization."""
    if standing.exemption is not None:
        return "Not checked: it is marked never to be deactivated."
    if standing.inactive_at is None:
        return f"Not checked: it is on {standing.facts.plan.label}."
    when = f"{absolute(standing.inactive_at)} ({distance(standing.inactive_at, standing.at)})"
    if standing.is_due:
        held = f" The check leaves it alone: {standing.held_by.label.lower()}." if standing.held_by else ""
        return f"Inactive since {when}: {_because(standing)}.{held}"
    return f"Inactive from {when} on if nobody uses it: {_because(standing)}."


def _because(standing: Standing) -> str:
    if standing.last_seen_at + inactivity_days() == standing.inactive_by_activity:
        what = max(standing.seen, key=standing.seen.__getitem__)
        return f"{settings.INACTIVITY_DAYS} days after {SEEN[what]} on {absolute(standing.last_seen_at)}"
    request = standing.last_api_request_at
    assert request is not None
    return f"its last API request, on {absolute(request)}, counts in the cycle after its own"
