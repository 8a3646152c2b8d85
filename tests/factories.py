"""Rows to test with. `organization()` makes one as it is after sign-up: owner, teams, geo, billing, licenses."""

from datetime import UTC, datetime, timedelta

import factory
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from accounts.lifecycle import deactivate_organizations
from accounts.models import (
    EmailLock,
    Invitation,
    Membership,
    Organization,
    RoleAssignment,
    SupportRequest,
    SystemAccount,
    Team,
    TeamMembership,
    User,
)
from accounts.words import ORGANIZATION_ADMIN, PREDEFINED_TEAMS, Reason, Tier, Via
from billing.models import BillingAccount, Charge, Invoice, Plan, Subscription
from billing.services.reports import Usage
from billing.services.rollups import add_to_rollups
from geos.models import ControlPlane, DataPlaneNode, MeshZone, OrganizationGeo
from konnect_portal.foundation.addresses import address_hash
from konnect_portal.foundation.links import new_secret
from licensing.models import License
from licensing.services import provision_licenses

PASSWORD = "Correct-Horse-7-Battery"


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    full_name = factory.Sequence(lambda n: f"Person {n}")
    password = "!"


def staff(tier: Tier, **fields) -> User:
    user = UserFactory(is_staff=True, **fields)
    user.groups.add(Group.objects.get(name=tier.value))
    return user


@transaction.atomic  # an organization and its owner's membership are born together (P2)
def organization(name="Acme", *, owner=None, plan=Plan.FREE, geo="us", created_at=None, **fields) -> Organization:
    """An active organization; a running trial or subscription where `plan` says so ("trial", plus, enterprise)."""
    created_at = created_at or timezone.now() - timedelta(days=400)
    owner = owner or UserFactory()
    made = Organization(
        name=name,
        owner=owner,
        created_at=created_at,
        contact_email=fields.pop("contact_email", owner.email),
        inactive_at=fields.pop("inactive_at", created_at + timedelta(days=30)),
        **fields,
    )
    Organization.objects.bulk_create([made])
    Team.objects.bulk_create(
        Team(organization=made, name=name, description=text, is_predefined=True)
        for name, text in PREDEFINED_TEAMS.items()
    )
    OrganizationGeo.objects.create(organization=made, geo_id=geo, is_home=True)
    BillingAccount.objects.create(organization=made, anchor_at=created_at)
    member(made, owner, ORGANIZATION_ADMIN)
    licenses(made)
    if plan != Plan.FREE:
        subscription(made, plan)
    return made


def left_organization(name="Left", *, at) -> Organization:
    """One that was deactivated, and whose owner closed their account since."""
    made = organization(name)
    deactivate_organizations([made.pk], reason=Reason.INACTIVITY, via=Via.CHECK)
    Membership.objects.filter(organization=made, user=made.owner_id).delete()
    User.objects.filter(pk=made.owner_id).update(is_active=False, closed_at=at)
    return Organization.objects.get(pk=made.pk)


def member(organization, user=None, *teams, **fields) -> User:
    user = user or UserFactory()
    Membership.objects.create(organization=organization, user=user, **fields)
    for name in teams:
        join(organization, name, user=user)
    return user


def team(organization, name="Platform", **fields) -> Team:
    """A custom one."""
    return Team.objects.create(organization=organization, name=name, **fields)


def join(organization, team_name, **who) -> TeamMembership:
    team = Team.objects.get(organization=organization, name=team_name)
    return TeamMembership.objects.create(organization=organization, team=team, **who)


def role(organization, role_name="Admin", entity_type_name="Control Planes", **who) -> RoleAssignment:
    return RoleAssignment.objects.create(
        organization=organization, role_name=role_name, entity_type_name=entity_type_name, **who
    )


def system_account(organization, name="robot", *teams) -> SystemAccount:
    made = SystemAccount.objects.create(organization=organization, name=name)
    for team in teams:
        join(organization, team, system_account=made)
    return made


def invitation(organization, email="new@initech.example", **fields) -> Invitation:
    """One that waits, good for 7 days; `secret` is what its link ends with."""
    secret, digest = new_secret()
    expires_at = fields.pop("expires_at", timezone.now() + timedelta(days=7))
    made = Invitation.objects.create(
        organization=organization, email=email, digest=digest, expires_at=expires_at, **fields
    )
    made.secret = secret
    return made


def licenses(organization, issued_at=None) -> list[License]:
    return provision_licenses([organization.pk], at=issued_at or timezone.now())


def subscription(organization, plan="plus", **fields) -> Subscription:
    is_trial = plan == "trial"
    now = timezone.now()
    if is_trial:
        fields.setdefault("ends_at", now + timedelta(days=20))
    starts_at = fields.pop("starts_at", now - timedelta(days=10))
    if not is_trial:
        fields.setdefault("anchor_at", starts_at)
    return Subscription.objects.create(
        organization=organization,
        plan=Plan.PLUS if is_trial else plan,
        is_trial=is_trial,
        starts_at=starts_at,
        **fields,
    )


def invoice(organization, *lines, ends_at=None, number=1, is_draft=False, charge=None, **fields) -> Invoice:
    """That of 30 days until `ends_at`, issued then. Lines are (metric, quantity, cents), a charge of what is due."""
    ends_at = ends_at or timezone.now()
    made = Invoice.objects.create(
        organization=organization,
        period_start=fields.pop("period_start", ends_at - timedelta(days=30)),
        period_end=ends_at,
        total_cents=sum(cents for _, _, cents in lines),
        **fields,
    )
    term = {"service_start": made.period_start, "service_end": made.period_end}
    for position, (metric, quantity, cents) in enumerate(lines, 1):
        made.lines.create(position=position, metric=metric, quantity=quantity, amount_cents=cents, **term)
    if not is_draft:
        made.number, made.issued_at = number, ends_at
        made.save()
    if charge is not None:
        Charge.objects.create(invoice=made, amount_cents=made.due_cents, **charge)
    return made


def control_plane(
    organization, name="default", geo="us", kind="gateway", *, nodes=0, zones=0, **fields
) -> ControlPlane:
    made = ControlPlane.objects.create(organization=organization, name=name, geo_id=geo, kind=kind, **fields)
    DataPlaneNode.objects.bulk_create(
        DataPlaneNode(control_plane=made, hostname=f"{name}-node-{n}") for n in range(nodes)
    )
    MeshZone.objects.bulk_create(MeshZone(control_plane=made, name=f"{name}-zone-{n}") for n in range(zones))
    return made


def email_lock(organization, address, **fields) -> EmailLock:
    return EmailLock.objects.create(
        organization=organization,
        address=address,
        address_hash=address_hash(address),
        locked_at=fields.pop("locked_at", timezone.now()),
        locked_event_id=fields.pop("locked_event_id", organization.id),
        **fields,
    )


def support_request(organization, proof="session", **fields) -> SupportRequest:
    """What its owner asked for in their own session, unless told."""
    now = timezone.now()
    return SupportRequest.objects.create(
        organization=organization,
        wish=fields.pop("wish", "reactivate"),
        proof=proof,
        asked_by_id=organization.owner_id,
        email=organization.contact_email if proof == "contact_link" else "",
        confirmed_at=fields.pop("confirmed_at", now),
        expires_at=now + timedelta(days=7),
        event_id=organization.pk,
        **fields,
    )


def usage(organization, hour, quantity=1, *, metric="api_requests", geo="us") -> None:
    """As a geo's report of an hour is counted."""
    add_to_rollups(geo, [Usage(0, organization.pk, metric, hour, quantity)])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
