"""Writing what the lines say: many organizations with a number of statements that does not depend on how many."""

from collections.abc import Sequence
from datetime import datetime

from accounts.importing.inactive import Teams, write_deactivations
from accounts.importing.lines import OrganizationLine
from accounts.importing.opening import Opening, names_of
from accounts.models import Exemption, Membership, Organization, TeamMembership
from accounts.services.opening import make_predefined_teams, open_accounts
from billing.services import (
    DayOfUsage,
    NewBillingAccount,
    NewTrialClaim,
    claim_trials,
    keep_daily_usage,
    open_billing_accounts,
    start_subscriptions,
)
from geos.services import NewOrganizationGeo, make_control_planes, open_geos
from licensing.services import provision_licenses

EXEMPTION_REASON = "imported as never to be deactivated"


def write_organizations(lines: Sequence[OrganizationLine], *, at: datetime) -> None:
    """Write new organizations as the lines tell of them, in the caller's transaction.

    Inactive ones are deactivated from the start, at `at`. Raises IntegrityError where an organization exists already.
    """
    people = open_accounts(names_of(lines), at=at)
    openings = [Opening(line, at, people) for line in sorted(lines, key=lambda line: line.id)]
    active = [opening for opening in openings if opening.line.is_active]
    Organization.objects.bulk_create(opening.organization for opening in openings)
    teams = make_predefined_teams(opening.id for opening in openings)
    _write_members(openings)
    _write_team_memberships(active, teams)
    _write_exemptions(openings)
    _write_billing(openings)
    _write_geos(openings)
    provision_licenses([opening.id for opening in active], at=at)
    write_deactivations([opening for opening in openings if not opening.line.is_active], teams, at=at)


def _write_members(openings: Sequence[Opening]) -> None:
    Membership.objects.bulk_create(
        Membership(
            organization_id=opening.id,
            user_id=opening.people[member.email],
            joined_at=opening.opened_at,
            last_login_at=member.last_login_at,
        )
        for opening in openings
        for member in opening.line.members
    )


def _write_team_memberships(openings: Sequence[Opening], teams: Teams) -> None:
    TeamMembership.objects.bulk_create(
        TeamMembership(
            organization_id=opening.id,
            team_id=teams[opening.id, name],
            user_id=opening.people[member.email],
            created_at=opening.at,
        )
        for opening in openings
        for member in opening.line.members
        for name in opening.team_names(member)
    )


def _write_exemptions(openings: Sequence[Opening]) -> None:
    Exemption.objects.bulk_create(
        Exemption(organization_id=opening.id, reason=EXEMPTION_REASON, created_at=opening.at)
        for opening in openings
        if opening.line.never_deactivate
    )


def _write_billing(openings: Sequence[Opening]) -> None:
    """Every geo counts as having reported until the import (P63): the file is complete."""
    open_billing_accounts(
        NewBillingAccount(
            organization_id=opening.id,
            anchor_at=opening.line.billing_anchor_at,
            last_api_request_at=opening.line.last_api_request_at,
            free_since_at=opening.line.plan_changed_at,
            usage_known_until=opening.at,
        )
        for opening in openings
    )
    start_subscriptions(opening.subscription for opening in openings if opening.subscription)
    claim_trials(_claim(opening) for opening in openings if opening.line.plan == "trial")
    keep_daily_usage(
        DayOfUsage(organization_id=opening.id, **vars(usage)) for opening in openings for usage in opening.line.usage
    )


def _claim(opening: Opening) -> NewTrialClaim:
    owner = opening.line.owner_email
    return NewTrialClaim(
        organization_id=opening.id, person_id=opening.people[owner], address=owner, claimed_at=opening.opened_at
    )


def _write_geos(openings: Sequence[Opening]) -> None:
    """Open the home geo, and those that a control plane stands in."""
    open_geos(
        NewOrganizationGeo(
            organization_id=opening.id, geo=geo, is_home=geo == opening.line.home_geo, opened_at=opening.opened_at
        )
        for opening in openings
        for geo in sorted({opening.line.home_geo, *(told.geo for told in opening.line.control_planes)})
    )
    make_control_planes([control_plane for opening in openings for control_plane in opening.control_planes])
