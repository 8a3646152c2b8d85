"""The timeline of an organization for support: read, narrowed, downloaded."""

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.http import require_safe

from accounts.admin.offering import ActsAdmin
from accounts.models import Organization, StaffLookup
from accounts.services.trail import note_lookup
from accounts.timeline import KINDS, Entry, timeline, whole_timeline
from konnect_portal.foundation.api import rfc3339
from konnect_portal.foundation.downloads import as_csv, as_json, download


class TimelineAdmin(ActsAdmin):
    """Pages beside the case; whoever may view an organization reads them, and looking is noted."""

    def timeline_view(self, request, id):
        organization = self._looked_at(request, id)
        kind = _kind(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Timeline of {organization.name}",
            "organization": organization,
            "kind": kind,
            "kinds": [(name, title) for name, (title, _tellers) in KINDS.items()],
            "page": timeline(organization.pk, kind=kind, after=request.GET.get("after")),
        }
        return TemplateResponse(request, "admin/accounts/organization/timeline.html", context)

    def download_view(self, request, id, form):
        """The whole of it, or of one kind, as CSV or JSON."""
        organization = self._looked_at(request, id)
        lines = whole_timeline(organization.pk, kind=_kind(request))
        if form == "json":
            return download(as_json(map(_in_json, lines)), "application/json", "timeline.json")
        head = ["at", "kind", "what", "about", "who", "details"]
        return download(as_csv(head, map(_in_csv, lines)), "text/csv", "timeline.csv")

    def get_urls(self):
        pages = {
            "timeline": ("timeline/", require_safe(self.timeline_view), {}),
            "timeline_csv": ("timeline.csv", require_safe(self.download_view), {"form": "csv"}),
            "timeline_json": ("timeline.json", require_safe(self.download_view), {"form": "json"}),
        }
        ours = [
            path(f"<uuid:id>/{route}", self.admin_site.admin_view(view), more, f"accounts_organization_{name}")
            for name, (route, view, more) in pages.items()
        ]
        return [*ours, *super().get_urls()]

    def _looked_at(self, request, id):
        if not self.has_view_permission(request):
            raise PermissionDenied
        organization = get_object_or_404(Organization, pk=id)
        note_lookup(request.user, StaffLookup.What.ORGANIZATION, organization.pk)
        return organization


def _kind(request) -> str:
    kind = request.GET.get("kind", "")
    return kind if kind in KINDS else ""


def _in_csv(entry: Entry) -> list[str]:
    details = "; ".join(f"{name}: {text}" for name, text in entry.details.items())
    return [rfc3339(entry.at), entry.kind, entry.what, entry.about, entry.who, details]


def _in_json(entry: Entry) -> dict:
    return {
        "at": rfc3339(entry.at),
        "kind": entry.kind,
        "what": entry.what,
        "about": entry.about,
        "who": entry.who,
        "details": entry.details,
    }
