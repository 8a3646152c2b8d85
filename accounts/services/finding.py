"""Finding by what a customer says of themselves (P72): each way is the range of an index, as long as what is shown.

What is found exactly (an id, an address, a login path, a ticket) comes first, then what begins with the term, then
what has it as a part. The number of statements is fixed.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Model, Q, QuerySet
from django.db.models.functions import Lower

from accounts.models import CaseNote, EmailLock, LifecycleEvent, Membership, Organization, Person, User
from accounts.models.history import TICKET_PREFIX
from accounts.models.organizations import CONTACT_PREFIX
from accounts.models.organizations import NAME_PREFIX as ORGANIZATION_PREFIX
from accounts.models.people import PERSON_ADDRESS, PERSON_PREFIX, PERSON_SEARCH
from geos.models import HOSTNAME_PREFIX, ControlPlane, DataPlaneNode
from geos.models import NAME_PREFIX as CONTROL_PLANE_PREFIX
from konnect_portal.foundation.addresses import address_hash, normalize_address
from konnect_portal.foundation.paging import COUNT_CAP

SHORTEST = 3
"""Characters that a trigram index can begin to answer from."""
LONGEST = 256
"""No name, address or ticket is longer."""
MOST = 5
"""Shown of each kind."""
ROWS_READ = 50
UNSEEN = dict.fromkeys(map(ord, "\0\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))
"""Comes along when something is copied from a mail or a page, and is in no name."""


@dataclass(frozen=True)
class Term:
    """What somebody typed, and what it could be."""

    typed: str

    @cached_property
    def text(self) -> str:
        return self.typed.translate(UNSEEN).strip()

    @cached_property
    def forms(self) -> list[str]:
        """In lower case, as it was typed and in the form of P1: names are stored as they were typed."""
        return list(dict.fromkeys(unicodedata.normalize(form, self.text).lower() for form in ("NFC", "NFKC")))

    @cached_property
    def ids(self) -> list[UUID]:
        """The one that it is, or none. Braces, capitals and missing hyphens do no harm."""
        try:
            return [UUID(self.text)]
        except ValueError:
            return []

    @property
    def is_address(self) -> bool:
        """Whether it is an address or the beginning of one; a domain with its @ is not."""
        return "@" in self.text[1:]

    @cached_property
    def address(self) -> str:
        return normalize_address(self.text)

    @property
    def refusal(self) -> str:
        """Why nothing is searched for, and what to do about it; empty where there is nothing in the way."""
        if len(self.text) < SHORTEST:
            return f"Please enter at least {SHORTEST} characters."
        if len(self.text) > LONGEST:
            return f"Nothing here has a name of more than {LONGEST} characters. Please shorten what you search for."
        return ""


@dataclass
class Found[Row]:
    """Of one kind: the first, and whether there are more. `because` says of a row, by its id, what was found of it."""

    rows: list[Row]
    has_more: bool = False
    because: dict[UUID, str] = field(default_factory=dict)


def find_organizations(term: Term, rows: QuerySet[Organization]) -> Found[Organization]:
    """By id, login path, name, part of either or of the contact, or an address of owner, member or lock.

    `rows` says what is read of them.
    """
    because = _of_address(term)
    return _found(
        term,
        rows,
        [
            *_keys(Organization.objects.order_by().filter(pk__in=term.ids)),
            *_keys(Organization.objects.order_by().alias(path=Lower("login_path")).filter(path__in=term.forms)),
            *because,
            *_beginning_with(term, Organization.objects, ORGANIZATION_PREFIX),
            *some_of(_containing(term, Organization.objects, F("search"), CONTACT_PREFIX), 2 * MOST),
        ],
        because,
    )


def find_people(term: Term) -> Found[Person]:
    """Customers by id, address, name or part of either; open accounts and closed ones."""
    customers = Person.objects.filter(is_staff=False)
    return _found(
        term,
        customers.annotate(organization_count=Count("memberships")),
        [
            *_keys(customers.filter(pk__in=term.ids)),
            *_keys(customers.alias(key=PERSON_ADDRESS).filter(key=term.address).order_by("-closed_at")),
            *_beginning_with(term, customers, PERSON_PREFIX),
            *some_of(_containing(term, customers, PERSON_SEARCH, PERSON_ADDRESS), 2 * MOST),
        ],
    )


def find_control_planes(term: Term) -> Found[ControlPlane]:
    """By id or what its name begins with, or by id or hostname of a node."""
    nodes = DataPlaneNode.objects.alias(key=HOSTNAME_PREFIX)
    said = [
        *nodes.filter(pk__in=term.ids).values_list("control_plane_id", "hostname"),
        *nodes.filter(_beginning(term, "key")).order_by("key").values_list("control_plane_id", "hostname")[: MOST + 1],
    ]
    return _found(
        term,
        ControlPlane.objects.select_related("organization", "geo"),
        [
            *_keys(ControlPlane.objects.order_by().filter(pk__in=term.ids)),
            *_beginning_with(term, ControlPlane.objects, CONTROL_PLANE_PREFIX),
            *(id for id, _ in said),
        ],
        {id: f"node {hostname}" for id, hostname in reversed(said)},
    )


def find_locks(term: Term) -> Found[EmailLock]:
    """Of this whole address, live ones and released ones; by its keyed hash, so that a purged one is found too."""
    locks = EmailLock.objects.filter(address_hash=address_hash(term.text)).select_related("organization")
    rows = list(locks.order_by("-locked_at")[: MOST + 1])
    return Found(rows[:MOST], len(rows) > MOST)


class Case(NamedTuple):
    """An organization that a ticket is about, and what was done or written under it last."""

    ticket: str
    organization: Organization
    told: str
    at: datetime


def find_cases(term: Term) -> Found[Case]:
    """Organizations with an event or a note under this ticket, each once for a ticket."""
    latest: dict[tuple[str, UUID], LifecycleEvent | CaseNote] = {}
    under: list[LifecycleEvent | CaseNote] = []
    under += _under(term, LifecycleEvent.objects.all())
    under += _under(term, CaseNote.objects.all())
    for each in sorted(under, key=lambda each: each.at):
        if each.organization_id:
            latest[each.ticket, each.organization_id] = each
    organizations = Organization.objects.in_bulk({id for _, id in latest})
    rows = [
        Case(ticket, organizations[id], _told(each), each.at)
        for (ticket, id), each in sorted(latest.items())
        if id in organizations
    ]
    return Found(rows[:MOST], len(rows) > MOST)


def _under[Row: (LifecycleEvent, CaseNote)](term: Term, rows: QuerySet[Row]) -> QuerySet[Row]:
    rows = rows.alias(key=TICKET_PREFIX).exclude(ticket="").filter(_beginning(term, "key"))
    return rows.filter(organization_id__isnull=False).order_by("key", "-at")[:ROWS_READ]


def _told(each: LifecycleEvent | CaseNote) -> str:
    return each.get_act_display() if isinstance(each, LifecycleEvent) else "Note"


def matching_organizations(queryset: QuerySet[Organization], term: Term) -> QuerySet[Organization]:
    """Those of a list that `find_organizations` speaks of; of a common word so many as lists count."""
    keys = {*_of_address(term), *some_of(_containing(term, queryset, F("search"), CONTACT_PREFIX), COUNT_CAP)}
    return queryset.filter(Q(pk__in=keys) | Q(pk__in=term.ids))


def matching_people(queryset: QuerySet[Person], term: Term) -> QuerySet[Person]:
    """As `matching_organizations` has it."""
    keys = some_of(_containing(term, queryset, PERSON_SEARCH, PERSON_ADDRESS), COUNT_CAP)
    return queryset.filter(Q(pk__in=keys) | Q(pk__in=term.ids))


def matching_control_planes(queryset: QuerySet[ControlPlane], term: Term) -> QuerySet[ControlPlane]:
    """Those of a list that `find_control_planes` speaks of; of a common beginning so many as lists count."""
    nodes = DataPlaneNode.objects.alias(key=HOSTNAME_PREFIX).filter(_beginning(term, "key") | Q(pk__in=term.ids))
    named = queryset.alias(key=CONTROL_PLANE_PREFIX).filter(_beginning(term, "key") | Q(pk__in=term.ids))
    keys = {*nodes.values_list("control_plane_id", flat=True)[:COUNT_CAP], *some_of(named, COUNT_CAP)}
    return queryset.filter(pk__in=keys)


def some_of(rows: QuerySet, most: int) -> list[UUID]:
    """The ids of so many of `rows` as come first to hand.

    Planned as if all were asked for and stopped when there are enough. Planned for a few, the database would rather
    read the table until it has met them, and to its end where it takes a rare word for a common one.
    """
    sql, params = rows.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"WITH found AS MATERIALIZED ({sql}) SELECT * FROM found LIMIT %s", [*params, most])  # noqa: S608
        return [id for (id,) in cursor.fetchall()]


def _found[Row: Model](
    term: Term, rows: QuerySet[Row], ids: Iterable[UUID], because: Mapping[UUID, str] | None = None
) -> Found[Row]:
    """The rows of the first of these ids, in their order."""
    order = list(dict.fromkeys(ids))
    read = rows.in_bulk(order[:MOST])
    said = {id: f"id {id}" for id in term.ids}
    return Found([read[id] for id in order[:MOST]], len(order) > MOST, {**(because or {}), **said})


def _keys(rows: QuerySet) -> list[UUID]:
    return list(rows.values_list("pk", flat=True)[: MOST + 1])


def _beginning_with(term: Term, rows, key) -> list[UUID]:
    """Shorter ones first, so that who is called exactly so comes before all others."""
    return _keys(rows.alias(key=key).filter(_beginning(term, "key")).order_by("key"))


def _containing(term: Term, rows, text, address):
    """Those with the term as a part of `text`.

    Of an address, most of which many others share, those whose `address` begins with it: a part of it is slow to find.
    """
    if term.is_address:
        return rows.alias(key=address).filter(_beginning(term, "key"))
    return rows.alias(text=text).filter(_or(Q(text__contains=form) for form in term.forms))


def _beginning(term: Term, column: str) -> Q:
    """`%` and `_` stand for themselves, here and in `_containing`."""
    return _or(Q(**{f"{column}__startswith": form}) for form in term.forms)


def _or(conditions: Iterable[Q]) -> Q:
    found = Q()
    for condition in conditions:
        found |= condition
    return found


def _of_address(term: Term) -> dict[UUID, str]:
    """Organizations that a person of this address owns or is in, that it is the contact of or locked for."""
    address = term.address
    people = list(User.objects.alias(key=PERSON_ADDRESS).filter(key=address).values_list("pk", flat=True))
    locks = EmailLock.objects.filter(address_hash=address_hash(address))
    asked = [
        (Organization.objects.alias(key=CONTACT_PREFIX).filter(key=address).values_list("pk"), "contact"),
        (Organization.objects.filter(owner__in=people).values_list("pk"), "owner"),
        (Membership.objects.filter(user__in=people).values_list("organization_id"), "member"),
        (locks.values_list("organization_id"), "locked address"),
    ]
    found: dict[UUID, str] = {}
    for rows, what in asked:
        for (id,) in rows.order_by()[:COUNT_CAP]:
            found.setdefault(id, f"{what} {address}")
    return found
