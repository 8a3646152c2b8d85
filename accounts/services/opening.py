"""What every new organization needs of accounts, whether it signs up or is imported."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import EventSubject, LifecycleEvent, Membership, Organization, Team, TeamMembership, User
from accounts.services.locks import refuse_locked
from accounts.words import ORGANIZATION_ADMIN, PREDEFINED_TEAMS, Act, Via
from billing.services import NewBillingAccount, begin_trial, open_billing_accounts
from geos.services import NewControlPlane, NewOrganizationGeo, geos_to_choose, make_control_planes, open_geos
from licensing.services import provision_licenses


def make_predefined_teams(organization_ids: Iterable[UUID]) -> dict[tuple[UUID, str], UUID]:
    """Give each organization its eight teams (P4); gives the teams' ids by organization and name."""
    teams = Team.objects.bulk_create(
        Team(organization_id=organization_id, name=name, description=description, is_predefined=True)
        for organization_id in organization_ids
        for name, description in PREDEFINED_TEAMS.items()
    )
    return {(team.organization_id, team.name): team.pk for team in teams}


def open_accounts(names: Mapping[str, str], *, at: datetime) -> dict[str, UUID]:
    """Give each of the proven addresses, in the form of P1, the id of its person.

    Whoever is new gets an account by that name and no password. Whoever is known stays as they are. Addresses are
    taken in order, so that two that do this at once wait for each other and never both wait.
    """
    new = [
        User(email=email, full_name=names[email], password=make_password(None), created_at=at)
        for email in sorted(names)
    ]
    User.objects.bulk_create(new, ignore_conflicts=True)
    ids = dict(User.objects.filter(email__in=names, closed_at__isnull=True).values_list("email", "pk"))
    EmailAddress.objects.bulk_create(
        EmailAddress(user_id=user.pk, email=user.email, verified=True, primary=True)
        for user in new
        if ids[user.email] == user.pk
    )
    return ids


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a person chooses of a new organization; the id is the form's, so that sending it twice opens one."""

    id: UUID
    name: str
    geo: str


class AlreadyOpened(Exception):
    """An organization with this id exists: the form was sent before."""


@transaction.atomic
def open_organization(opening: Opening, *, owner: User, via: Via) -> Organization:
    """Open an organization on a trial of Plus, or on Free where its owner has had theirs (P2, P4, P10, P20, P30).

    It has its owner in Organization Admin, the eight teams, a geo with a control plane named "default", and three
    licenses. Raises AddressLocked (P45), AlreadyOpened, User.DoesNotExist where the owner's account is closed, and
    ValueError for a geo that cannot be chosen.
    """
    at = timezone.now()
    if opening.geo not in {geo.code for geo in geos_to_choose()}:
        raise ValueError(f"{opening.geo} is no geo to choose.")
    owner = User.objects.hold(owner.pk)  # a change of address comes before or after
    refuse_locked(owner.email)
    organization = _make(opening, owner, at)
    event = LifecycleEvent.objects.create(
        organization_id=organization.pk,
        act=Act.OPENED,
        at=at,
        actor_id=owner.pk,
        via=via,
        details={"owner": str(owner.pk), "geo": opening.geo, **_provide(organization, opening, at)},
    )
    EventSubject.objects.create(
        event=event, part=EventSubject.Part.OWNER, subject_id=owner.pk, name=owner.full_name, address=owner.email
    )
    return organization


def _make(opening: Opening, owner: User, at: datetime) -> Organization:
    organization = _insert(
        Organization(
            id=opening.id,
            name=opening.name,
            owner=owner,
            contact_email=owner.email,
            created_at=at,
            inactive_at=at + timedelta(days=settings.INACTIVITY_DAYS),
        )
    )
    Membership.objects.create(organization=organization, user=owner, joined_at=at)
    teams = make_predefined_teams([organization.pk])
    TeamMembership.objects.create(
        organization=organization, team_id=teams[organization.pk, ORGANIZATION_ADMIN], user=owner
    )
    return organization


def _insert(organization: Organization) -> Organization:
    try:
        with transaction.atomic():
            organization.save(force_insert=True)
    except IntegrityError:
        raise AlreadyOpened from None
    return organization


def _provide(organization: Organization, opening: Opening, at: datetime) -> dict[str, object]:
    """Geo, control plane, licenses and trial; gives their ids for the event."""
    control_plane = NewControlPlane(
        id=uuid4(),
        organization_id=organization.pk,
        geo=opening.geo,
        kind="gateway",
        name="default",
        created_at=at,
    )
    open_geos([NewOrganizationGeo(organization_id=organization.pk, geo=opening.geo, is_home=True, opened_at=at)])
    make_control_planes([control_plane])
    licenses = provision_licenses([organization.pk], at=at)
    open_billing_accounts([NewBillingAccount(organization_id=organization.pk, anchor_at=at)])
    owner = organization.owner
    on_trial = begin_trial(organization_id=organization.pk, person_id=owner.pk, address=owner.email, at=at)
    return {
        "control_planes": [str(control_plane.id)],
        "licenses": [str(license.pk) for license in licenses],
        "on_trial": on_trial,
    }
