"""Running an import: lines in, sets of organizations written, and what became of each line."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import DatabaseError, DataError, IntegrityError, connection, transaction

from accounts.importing.checks import Check, Rejected
from accounts.importing.lines import OrganizationLine, organization_shape, parse_line
from accounts.importing.reading import Readable, read_lines
from accounts.importing.writing import write_organizations
from accounts.models import Organization, User
from geos.services import known_geos

logger = structlog.get_logger(__name__)

SET_LINES = 250
SET_BYTES = 4_000_000
ONE_AT_A_TIME = 4_107_601
"""The key of the advisory lock that two imports take turns by, in place of meeting in each other's rows."""

ID_TAKEN = "belongs to an organization that is here already, with other content"
STAFF_ADDRESS = "is the address of a member of staff, which no customer can have"


class Rejection(NamedTuple):
    """Why a line, counted from 1, was not taken; `field` is null where the line is no object."""

    line: int
    field: str | None
    reason: str


class Taken(NamedTuple):
    """A line that is in order, on its way into the database."""

    number: int
    organization: OrganizationLine


@dataclass
class Set:
    """Some lines of the file in a row; each organization once, so that of two lines the first one decides."""

    read: int = 0
    size: int = 0
    taken: list[Taken] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return self.read >= SET_LINES or self.size >= SET_BYTES

    def has(self, organization_id: UUID) -> bool:
        return any(line.organization.id == organization_id for line in self.taken)


@dataclass
class Tally:
    """What became of a set's lines."""

    read: int = 0
    created: int = 0
    unchanged: int = 0
    rejected: list[Rejection] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.created += other.created
        self.unchanged += other.unchanged
        self.rejected += other.rejected


def import_organizations(file: Readable, *, at: datetime) -> Iterator[Tally]:
    """Take in the file, one transaction for each set of lines; gives a tally of each set when it is committed.

    A line that is not taken changes nothing and keeps no other from being taken. `at` is the moment of the import.
    Memory does not grow with the file.
    """
    shape = organization_shape(at=at, geos=known_geos())
    for lines in _sets(file, shape):
        tally = Tally(read=lines.read, rejected=lines.rejected)
        tally.add(_take(lines.taken, at=at))
        tally.rejected.sort(key=lambda rejection: rejection.line)
        yield tally


def _sets(file: Readable, shape: Check[OrganizationLine]) -> Iterator[Set]:
    current = Set()
    for number, raw in read_lines(file):
        line = _parse(number, raw, shape)
        if current.is_full or (isinstance(line, Taken) and current.has(line.organization.id)):
            yield current
            current = Set()
        current.read += 1
        current.size += len(raw or b"")
        if isinstance(line, Taken):
            current.taken.append(line)
        else:
            current.rejected.append(line)
    if current.read:
        yield current


def _parse(number: int, raw: bytes | None, shape: Check[OrganizationLine]) -> Taken | Rejection:
    if raw is None:
        return Rejection(number, None, "is over 1 MB")
    try:
        return Taken(number, parse_line(raw, shape))
    except Rejected as problem:
        return Rejection(number, problem.field, problem.reason)


def _take(lines: Sequence[Taken], *, at: datetime) -> Tally:
    """A set that fails is tried again line by line, so that one line never takes others along."""
    try:
        return _take_together(lines, at=at)
    except DatabaseError:
        logger.exception("set of lines tried again one by one", first=lines[0].number, lines=len(lines))
    tally = Tally()
    for line in lines:
        tally.add(_take_alone(line, at=at))
    return tally


def _take_alone(line: Taken, *, at: datetime) -> Tally:
    try:
        return _take_together([line], at=at)
    except (DataError, IntegrityError) as problem:
        reason = str(problem).partition("\n")[0]
        return Tally(rejected=[Rejection(line.number, None, f"the database refused it: {reason}")])


@transaction.atomic
def _take_together(lines: Sequence[Taken], *, at: datetime) -> Tally:
    """Compare with what is there, then write what is new (P1). All of it or, where the database refuses, nothing."""
    if not lines:
        return Tally()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
    digests = _digests_of([line.organization.id for line in lines])
    known = [line for line in lines if line.organization.id in digests]
    changed = [line for line in known if line.organization.digest != digests[line.organization.id]]
    unknown = [line for line in lines if line.organization.id not in digests]
    with_staff = dict(_with_staff(unknown))
    new = [line.organization for line in unknown if line.number not in with_staff]
    if new:
        write_organizations(new, at=at)
    return Tally(
        created=len(new),
        unchanged=len(known) - len(changed),
        rejected=[Rejection(line.number, "id", ID_TAKEN) for line in changed] + list(with_staff.values()),
    )


def _digests_of(ids: Iterable[UUID]) -> dict[UUID, str]:
    return dict(Organization.objects.filter(pk__in=ids).values_list("pk", "import_digest"))


def _with_staff(lines: Sequence[Taken]) -> Iterator[tuple[int, Rejection]]:
    """Those with a member who is staff; a staff address can't be a customer's (P1)."""
    addresses = {member.email for line in lines for member in line.organization.members}
    staff = set(User.objects.filter(is_staff=True, email__in=addresses).values_list("email", flat=True))
    for line in lines:
        for index, member in enumerate(line.organization.members):
            if member.email in staff:
                yield line.number, Rejection(line.number, f"members.{index}.email", STAFF_ADDRESS)
                break
