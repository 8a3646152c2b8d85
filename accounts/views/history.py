"""The organization's own history: read, narrowed, downloaded."""

from collections.abc import Iterator

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import OrganizationRequest
from accounts.services.history import KINDS, Told, events_of, told, whole_history
from konnect_portal.foundation.api import rfc3339
from konnect_portal.foundation.downloads import as_csv, as_json, download
from konnect_portal.foundation.pages import organization_view
from konnect_portal.foundation.paging import key_page

READ = "accounts.view_history"


@require_safe
@organization_view(READ)
def history(request: OrganizationRequest) -> HttpResponse:
    kind = request.GET.get("kind", "")
    page = key_page(events_of(request.organization.pk, kind=kind), by="-at", after=request.GET.get("after"))
    context = {
        "page": page,
        "lines": [told(event) for event in page.rows],
        "kind": kind if kind in KINDS else "",
        "kinds": [(name, title) for name, (title, _acts) in KINDS.items()],
    }
    return render(request, "accounts/history/history.html", context)


@require_safe
@organization_view(READ)
def download_history(request: OrganizationRequest, form: str) -> StreamingHttpResponse:
    """The whole of it, or of one kind, as CSV or JSON."""
    lines = whole_history(request.organization.pk, kind=request.GET.get("kind", ""))
    if form == "json":
        return download(as_json(map(_in_json, lines)), "application/json", "history.json")
    return download(_as_csv(lines), "text/csv", "history.csv")


def _as_csv(lines: Iterator[Told]) -> Iterator[str]:
    rows = ([rfc3339(line.at), line.act, line.who, line.what, line.door, line.address] for line in lines)
    return as_csv(["at", "act", "who", "what", "through", "from"], rows)


def _in_json(line: Told) -> dict:
    return {
        "at": rfc3339(line.at),
        "act": line.act,
        "who": line.who,
        "what": line.what,
        "through": line.door,
        "from": line.address,
        "about": line.about,
    }
