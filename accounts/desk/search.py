"""The one search box (P72): what was found, in groups, as a list under the box and as a page of its own.

Who may not see a kind of thing is neither shown nor told of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.desk.plans import plan_name, with_plan
from accounts.models import Organization, StaffLookup
from accounts.services.finding import (
    SHORTEST,
    Term,
    find_cases,
    find_control_planes,
    find_locks,
    find_organizations,
    find_people,
)
from accounts.services.trail import note_lookup
from accounts.templatetags.desk import pill
from konnect_portal.foundation.moments import absolute


@dataclass(frozen=True)
class Row:
    """One thing that was found: where it leads, what it is called, what else is known and in which state it is."""

    link: str
    title: str
    details: list[str]
    state: str
    plan: str = ""


@dataclass(frozen=True)
class Group:
    """Of one kind: the first rows, and the list with all of them where there are more and a list of them."""

    title: str
    icon: str
    rows: list[Row]
    more: str = ""


@dataclass(frozen=True)
class Kind:
    """Something to find: who may see it, how it is found, and its list."""

    title: str
    icon: str
    perm: str
    find: Callable[[Term], tuple[list[Row], bool]]
    listed: str = ""


def organizations(term: Term) -> tuple[list[Row], bool]:
    found = find_organizations(term, with_plan(Organization.objects.select_related("owner"), at=timezone.now()))
    return [
        Row(
            reverse("admin:accounts_organization_change", args=[each.pk]),
            each.name,
            _distinct(found.because.get(each.pk), f"contact {each.contact_email}", each.login_path),
            pill(each.state, each.get_state_display()),
            plan_name(each),
        )
        for each in found.rows
    ], found.has_more


def people(term: Term) -> tuple[list[Row], bool]:
    found = find_people(term)
    return [
        Row(
            reverse("admin:accounts_person_change", args=[each.pk]),
            each.full_name or each.email,
            _distinct(each.email, found.because.get(each.pk), _counted(each.organization_count)),  # type: ignore[attr-defined]
            pill("gone", "Closed") if each.closed_at else pill("active", "Open"),
        )
        for each in found.rows
    ], found.has_more


def control_planes(term: Term) -> tuple[list[Row], bool]:
    found = find_control_planes(term)
    return [
        Row(
            reverse("admin:geos_controlplane_change", args=[each.pk]),
            each.name,
            _distinct(found.because.get(each.pk), f"of {each.organization}", str(each.geo)),
            pill(each.state, each.get_state_display()),
        )
        for each in found.rows
    ], found.has_more


def locks(term: Term) -> tuple[list[Row], bool]:
    found = find_locks(term)
    page = f"{reverse('admin:accounts_emaillock_changelist')}?{urlencode({'q': term.text})}"
    return [
        Row(
            page,
            str(each),
            [f"for {each.organization}", f"since {absolute(each.locked_at)}"],
            pill("gone", "Released") if each.released_at else pill("inactive", "Locked"),
        )
        for each in found.rows
    ], found.has_more


def tickets(term: Term) -> tuple[list[Row], bool]:
    found = find_cases(term)
    return [
        Row(
            reverse("admin:accounts_organization_change", args=[case.organization.pk]),
            case.ticket,
            [case.organization.name, f"{case.told} {absolute(case.at)}"],
            pill(case.organization.state, case.organization.get_state_display()),
        )
        for case in found.rows
    ], found.has_more


KINDS = [
    Kind("Organizations", "corporate_fare", "accounts.view_organization", organizations, "accounts_organization"),
    Kind("People", "group", "accounts.view_person", people, "accounts_person"),
    Kind("Control planes", "dns", "geos.view_controlplane", control_planes, "geos_controlplane"),
    Kind("Locked addresses", "lock", "accounts.view_emaillock", locks, "accounts_emaillock"),
    Kind("Tickets", "confirmation_number", "accounts.view_lifecycleevent", tickets),
]


def found_by(user, term: Term) -> list[Group]:
    """What this person may see of what the term means, kinds of which there is nothing left out."""
    if term.refusal:
        return []
    groups = [_group(kind, term) for kind in KINDS if user.has_perm(kind.perm)]
    return [group for group in groups if group.rows]


def _group(kind: Kind, term: Term) -> Group:
    rows, has_more = kind.find(term)
    page = reverse(f"admin:{kind.listed}_changelist") if has_more and kind.listed else ""
    return Group(kind.title, kind.icon, rows, page and f"{page}?{urlencode({'q': term.text})}")


@require_safe
def found(request: HttpRequest) -> HttpResponse:
    """What stands under the box while somebody types."""
    return TemplateResponse(request, "admin/search/found.html", _looked_up(request))


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The same as a page, for a browser without scripts, for a phone, and to be sent to a colleague."""
    context = {**admin.site.each_context(request), **_looked_up(request), "title": "Search", "has_own_box": True}
    return TemplateResponse(request, "admin/search/page.html", context)


def _looked_up(request):
    term = Term(request.GET.get("q", ""))
    if term.text:
        note_lookup(request.user, StaffLookup.What.SEARCH)
    return {"term": term, "groups": found_by(request.user, term), "shortest": SHORTEST}


def _distinct(*texts: str | None) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))


def _counted(count: int) -> str:
    return "in 1 organization" if count == 1 else f"in {count} organizations"
