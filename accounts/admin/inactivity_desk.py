"""The inactivity desk: what the check is about to do, whom it leaves alone, and why (P63, P66 to P68)."""

from dataclasses import dataclass
from functools import wraps
from itertools import chain
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Subquery
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import inactivity
from accounts.admin.forms import AskForm
from accounts.admin.inactivity import Row, remarks, rows_of
from accounts.admin.inactivity_facts import facts_of
from accounts.admin.inactivity_overview import Overview
from accounts.desk.places import check_switch
from accounts.inactivity import Question
from accounts.models import Exemption, Organization, StaffLookup, User
from accounts.outlook import COMING, DUE, GROUPS, Part, group_page, outlook
from accounts.services.trail import note_lookup
from accounts.words import HeldBy
from konnect_portal.foundation.admin import ReadOnlyAdmin
from konnect_portal.foundation.paging import key_page

SHOWN, SHOWN_HELD = 5, 2
"""Organizations shown of a group, and of one that is held; the group's own page has all of them."""

WORDS = {
    DUE: ("Due now", "The next hourly check deactivates them; each is asked about again first."),
    COMING: ("Next 14 days", "Then they are inactive, unless somebody signs in or a gateway serves a request."),
    HeldBy.PAUSED: ("The check is paused", "Nobody is told or deactivated until it is resumed."),
    HeldBy.HOLD: ("On hold", "A lead has put them on hold."),
    HeldBy.MISSING_USAGE: ("Usage is missing", "A geo has not told all its usage, and missing data means active."),
    HeldBy.NOTICE: ("Not told in time yet", "Their notices have not been accepted, or not long enough ago."),
    HeldBy.DISMISSED: (
        "Dismissed",
        "A lead dismissed the list on which they stood; they rest for a while.",
    ),
    HeldBy.LIMIT: ("Over the limit", "More are due than may go in 24 hours, so nobody goes until a lead decides."),
}


@dataclass(frozen=True)
class Group:
    """A group of the outlook as it is shown: how many, and the first of them."""

    name: str
    part: Part
    rows: list[Row]

    @property
    def title(self) -> str:
        return WORDS[self.name][0]

    @property
    def says(self) -> str:
        return WORDS[self.name][1]


def groups_of(question: Question) -> dict[str, Group]:
    """Every group, the first of each with what is shown of them, in a fixed number of statements."""
    parts = outlook(question)
    first = {name: part.standings[: SHOWN_HELD if name in HeldBy else SHOWN] for name, part in parts.items()}
    rows = {row.standing.id: row for row in rows_of(list(chain(*first.values())), question)}
    return {name: Group(name, part, [rows[each.id] for each in first[name]]) for name, part in parts.items()}


def columns(groups: dict[str, Group]) -> dict[str, Any]:
    """The groups as the pages show them; of the held ones those that hold somebody, and how many they are together."""
    held = [groups[name] for name in HeldBy.values if groups[name].part.standings]
    count = sum(len(group.part.standings) for group in held)
    more = "" if all(group.part.is_all for group in held) else "+"
    return {
        "due": groups[DUE],
        "coming": groups[COMING],
        "held": held,
        "held_count": f"{count}{more}",
        "over_limit": groups[HeldBy.LIMIT],
    }


def asked(request) -> tuple[AskForm, Question | None]:
    """The moment in the address, or now; no question where it is none."""
    form = AskForm(request.GET if "at" in request.GET else None)
    if not form.is_bound:
        return form, inactivity.ask()
    if not form.is_valid():
        return form, None
    return form, inactivity.ask(form.cleaned_data["at"], notices=False if form.cleaned_data["told"] else None)


class InactivityDesk(ReadOnlyAdmin):
    """The desk's pages, beside those of the check's runs. All of them only show."""

    def desk_view(self, request):
        """What waits, the last run, three columns of time, and what was and is to come."""
        question = inactivity.ask()
        context = {
            **check_switch(request.user),
            **columns(groups_of(question)),
            "overview": Overview(question),
        }
        return self._desk_page(request, "desk", "Inactivity", **context)

    def ask_view(self, request):
        """What the check would do at a moment (P67)."""
        form, question = asked(request)
        context: dict[str, Any] = {"form": form, "notices": settings.INACTIVITY_NOTICES}
        if question is not None and form.is_bound:
            context |= {
                **columns(groups_of(question)),
                "question": question,
                "remarks": remarks(question),
                "query": request.GET.urlencode(),
            }
        return self._desk_page(request, "ask", "Ask about a date", **context)

    def group_view(self, request, group):
        """A group, a page at a time."""
        form, question = asked(request)
        if group not in GROUPS:
            raise Http404
        if question is None:
            return redirect(f"{reverse('admin:accounts_inactivity_ask')}?{request.GET.urlencode()}")
        page = group_page(group, question, request.GET.get("after"))
        title, says = WORDS[group]
        rows = rows_of(page.rows, question)
        return self._desk_page(
            request,
            "group",
            title,
            says=says,
            rows=rows,
            page=page,
            question=question,
            query=request.GET.urlencode() if form.is_bound else "",
        )

    def exempt_view(self, request):
        """Who is never deactivated: by whom, why and until when (P63)."""
        names = User.objects.filter(pk=OuterRef("made_by_id"))
        live = Exemption.objects.live(timezone.now()).select_related("organization")
        named = live.annotate(by=Subquery(names.values("full_name")), address=Subquery(names.values("email")))
        page = key_page(named, by="-created_at", after=request.GET.get("after"))
        return self._desk_page(request, "exempt", "Never deactivated", page=page)

    def hold_view(self, request):
        """Which organizations are on hold, whatever their state (P58)."""
        page = key_page(Organization.objects.on_hold(timezone.now()), by="hold_until", after=request.GET.get("after"))
        return self._desk_page(request, "on_hold", "On hold", page=page)

    def why_view(self, request, id):
        """The facts that decide about one organization at a moment, with their dates (P67)."""
        organization = get_object_or_404(Organization, pk=id)
        note_lookup(request.user, StaffLookup.What.ORGANIZATION, organization.pk)
        form, question = asked(request)
        context: dict[str, Any] = {"form": form, "organization": organization, "notices": settings.INACTIVITY_NOTICES}
        if question is not None:
            [row] = rows_of(inactivity.standings([organization], question), question)
            facts = facts_of(row, question)
            context |= {"question": question, "row": row, "facts": facts, "remarks": remarks(question)}
        return self._desk_page(request, "why", f"Inactivity of {organization.name}", **context)

    def get_urls(self):
        pages = [
            ("inactivity/", self.desk_view, "desk"),
            ("inactivity/ask/", self.ask_view, "ask"),
            ("inactivity/exempt/", self.exempt_view, "exempt"),
            ("inactivity/on-hold/", self.hold_view, "on_hold"),
            ("inactivity/why/<uuid:id>/", self.why_view, "why"),
            ("inactivity/<slug:group>/", self.group_view, "group"),
        ]
        ours = [
            path(route, self.admin_site.admin_view(self._shown(view)), name=f"accounts_inactivity_{name}")
            for route, view, name in pages
        ]
        return [*ours, *super().get_urls()]

    def _shown(self, view):
        @require_safe
        @wraps(view)
        def inner(request, *args, **kwargs):
            if not self.has_view_permission(request):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return inner

    def _desk_page(self, request, name, title, **context):
        context = {**self.admin_site.each_context(request), "title": title, **context}
        return TemplateResponse(request, f"admin/accounts/inactivity/{name}.html", context)
