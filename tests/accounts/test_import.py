"""What an import makes of a line (docs/export-format.md)."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from post_office.models import Email

from accounts.models import (
    EmailLock,
    EventSubject,
    Exemption,
    LifecycleEvent,
    Membership,
    Organization,
    Team,
    TeamMembership,
    User,
)
from accounts.services.locks import is_locked
from accounts.services.people import people_to_restore
from accounts.words import PREDEFINED_TEAMS, Act, Reason, State, Via
from billing.models import BillingAccount, DailyUsage, Invoice, Subscription, TrialClaim
from billing.services import close_cycles, plans
from geos.models import ControlPlane, OrganizationGeo
from konnect_portal.foundation.addresses import address_hash
from licensing.models import License
from tests import factories
from tests.exports import AT, control_plane, imported, member, moment, organization

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HAIR = timedelta(seconds=1)


def made(**fields) -> Organization:
    tally = imported(organization(**fields))
    assert tally.rejected == []
    return Organization.objects.latest("id")


def teams_of(organization: Organization, email: str) -> list[str]:
    rows = TeamMembership.objects.filter(organization=organization, user__email=email)
    return sorted(rows.values_list("team__name", flat=True))


class TestPeople:
    def test_names_and_addresses_are_trimmed_and_compared_without_case(self):
        """P1"""
        acme = made(
            name="  Acme ",
            email=" Billing@ACME.example ",
            owner_email="ALICE@acme.example",
            members=[member(" alice@Acme.example", full_name=" Alice Owner ")],
        )

        assert (acme.name, acme.contact_email) == ("Acme", "billing@acme.example")
        assert (acme.owner.email, acme.owner.full_name) == ("alice@acme.example", "Alice Owner")

    def test_people_have_a_proven_address_and_no_password(self):
        acme = made()

        assert not acme.owner.has_usable_password()
        assert EmailAddress.objects.filter(
            user=acme.owner, email=acme.owner.email, verified=True, primary=True
        ).exists()

    def test_a_person_in_two_lines_is_one_and_keeps_the_first_name(self):
        """P1"""
        shared = "shared@acme.example"
        first, second = organization(), organization()
        first["members"].append(member(shared, full_name="First Name"))
        second["members"].append(member(shared.upper(), full_name="Second Name"))

        imported(first, second)

        assert User.objects.get(email=shared).full_name == "First Name"
        assert Membership.objects.filter(user__email=shared).count() == 2

    def test_whoever_has_an_account_stays_as_they_are(self, alice):
        alice.set_password(factories.PASSWORD)
        alice.save()

        acme = made(email=alice.email, owner_email=alice.email, members=[member(alice.email, full_name="Other")])

        alice.refresh_from_db()
        assert acme.owner == alice
        assert alice.full_name == "Alice Owner"
        assert alice.check_password(factories.PASSWORD)

    def test_a_lock_stops_no_import(self, acme, alice):
        """P45 keeps people from signing up, not from moving here."""
        factories.email_lock(acme, "new@globex.example")

        made(email="new@globex.example", owner_email="new@globex.example", members=[member("new@globex.example")])

        assert User.objects.filter(email="new@globex.example").exists()

    def test_everybody_is_in_their_teams_of_the_eight(self):
        """P4"""
        acme = made(
            owner_email="a@acme.example",
            members=[
                member("a@acme.example", "Organization Admin"),
                member("b@acme.example", "Portal Admin", "Analytics Viewer", "Portal Admin"),
                member("c@acme.example"),
            ],
        )

        assert set(acme.teams.values_list("name", flat=True)) == set(PREDEFINED_TEAMS)
        assert not acme.teams.filter(is_predefined=False).exists()
        assert teams_of(acme, "b@acme.example") == ["Analytics Viewer", "Portal Admin"]
        assert teams_of(acme, "c@acme.example") == []
        assert acme.memberships.count() == 3

    def test_an_owner_is_in_organization_admin_whatever_the_line_says(self):
        """P2"""
        acme = made(owner_email="a@acme.example", members=[member("a@acme.example", "Portal Admin")])

        assert teams_of(acme, "a@acme.example") == ["Organization Admin", "Portal Admin"]


class TestActivity:
    def test_the_latest_login_of_any_member_is_the_organizations(self):
        """P61"""
        acme = made(
            owner_email="a@acme.example",
            members=[
                member("a@acme.example", last_login_at=moment(days=-9)),
                member("b@acme.example", last_login_at=moment(days=-8)),
                member("c@acme.example"),
            ],
        )

        assert acme.last_login_at == AT - 8 * DAY
        assert acme.memberships.get(user__email="a@acme.example").last_login_at == AT - 9 * DAY

    def test_offsets_and_fractions_come_down_to_the_second(self):
        acme = made(created_at="2026-11-01T02:00:00.999+02:00", last_api_request_at=" 2026-11-02T00:00:01Z")

        assert acme.created_at.isoformat() == "2026-11-01T00:00:00+00:00"
        assert acme.billing_account.last_api_request_at.isoformat() == "2026-11-02T00:00:01+00:00"

    @pytest.mark.parametrize(
        ("fields", "seen"),
        [
            ({}, AT - 100 * DAY),
            ({"reactivated_at": moment(days=-50)}, AT - 50 * DAY),
            ({"members": [member("a@a.example", last_login_at=moment(days=-7))]}, AT - 7 * DAY),
        ],
    )
    def test_nobody_is_looked_at_before_thirty_days_unseen(self, fields, seen):
        """P62"""
        acme = made(**({"owner_email": "a@a.example"} if "members" in fields else {}), **fields)

        assert acme.inactive_at == seen + 30 * DAY

    def test_anchor_request_and_move_to_free_are_kept(self):
        """P31, P62, P63"""
        acme = made(
            billing_anchor_at=moment(days=20),
            last_api_request_at=moment(days=-3),
            plan_changed_at=moment(days=-40),
        )

        account = BillingAccount.objects.get(organization=acme)
        assert account.anchor_at == AT + 20 * DAY
        assert account.last_api_request_at == AT - 3 * DAY
        assert account.free_since_at == AT - 40 * DAY
        assert account.usage_known_until == AT

    def test_never_deactivate_is_an_exemption_without_end(self):
        """P63"""
        exempt, other = made(never_deactivate=True), made()

        exemption = Exemption.objects.get()
        assert exemption.organization == exempt != other
        assert exemption.until is None
        assert "import" in exemption.reason


class TestPlans:
    @pytest.mark.parametrize(("plan", "running"), [("free", "free"), ("plus", "plus"), ("enterprise", "enterprise")])
    def test_a_plan_runs_from_the_import_on(self, plan, running):
        """P30"""
        acme = made(plan=plan)

        assert plans([acme.pk], at=AT)[acme.pk] == running
        assert not Subscription.objects.exclude(contract_number="").exists()

    def test_the_first_invoice_is_that_of_the_cycle_of_the_import(self):
        """P34: what was before it is not billed here, however old the organization is."""
        acme = made(plan="plus", created_at=moment(days=-400), billing_anchor_at=moment(days=-395))
        at = AT + 30 * DAY

        close_cycles(at=at)
        invoice = Invoice.objects.get(organization=acme)
        assert (invoice.period_start, invoice.period_end) == (AT - 5 * DAY, AT + 25 * DAY)

    def test_a_trial_ends_at_its_moment_and_counts_as_taken(self):
        """P30"""
        acme = made(plan="trial", trial_ends_at=moment(days=5))

        end = AT + 5 * DAY
        assert [plans([acme.pk], at=at)[acme.pk] for at in (AT, end - HAIR, end)] == ["plus", "plus", "free"]
        claim = TrialClaim.objects.get()
        assert (claim.person_id, claim.address_hash) == (acme.owner_id, address_hash(acme.owner.email))

    @pytest.mark.parametrize("ends", [moment(days=-200), moment(days=-100), moment(days=-50)])
    def test_a_trial_that_is_over_is_over(self, ends):
        """P30: also one that ended before the organization was opened."""
        acme = made(plan="trial", trial_ends_at=ends)

        assert plans([acme.pk], at=AT)[acme.pk] == "free"
        assert TrialClaim.objects.filter(organization_id=acme.pk).exists()

    def test_a_second_trial_of_a_person_is_imported_and_claimed_once(self):
        """P30"""
        same = {"email": "a@a.example", "owner_email": "a@a.example", "members": [member("a@a.example")]}
        for _ in range(2):
            made(plan="trial", trial_ends_at=moment(days=5), **same)

        assert Subscription.objects.filter(is_trial=True).count() == 2
        assert TrialClaim.objects.count() == 1

    def test_an_active_organization_gets_its_three_licenses(self):
        """P20"""
        acme = made()

        licenses = License.objects.live().filter(organization=acme)
        assert {each.product for each in licenses} == {"gateway", "kic", "mesh"}
        assert {each.expires_at for each in licenses} == {AT + 365 * DAY}


class TestGeos:
    def test_control_planes_stand_in_their_geos_with_what_hangs_on_them(self):
        """P11, P12"""
        acme = made(
            home_geo="sg",
            control_planes=[
                control_plane(nodes=2, services=3),
                control_plane(geo="eu", nodes=0, services=0),
                control_plane("mesh", geo="eu", kind="mesh_global", nodes=1, services=0, zones=2),
            ],
        )

        default = ControlPlane.objects.get(organization=acme, geo="us")
        mesh = ControlPlane.objects.get(organization=acme, name="mesh")
        assert [node.hostname for node in default.nodes.all()] == ["default-node-1", "default-node-2"]
        assert (default.services.count(), default.zones.count()) == (3, 0)
        assert (mesh.nodes.count(), mesh.zones.count()) == (1, 2)
        assert not default.nodes.exclude(last_check_in_at=None).exists()
        geos = OrganizationGeo.objects.filter(organization=acme)
        assert {each.geo_id: each.is_home for each in geos} == {"sg": True, "us": False, "eu": False}

    def test_usage_is_kept_by_day_and_moves_no_request(self):
        """P33"""
        acme = made(usage=[{"day": "2026-11-19", "geo": "eu", "metric": "api_requests", "quantity": 2e3}])

        usage = DailyUsage.objects.get(organization=acme)
        assert (usage.day.isoformat(), usage.geo, usage.metric, usage.quantity) == (
            "2026-11-19",
            "eu",
            "api_requests",
            2000,
        )
        assert acme.billing_account.last_api_request_at is None


class TestInactiveLines:
    @pytest.fixture
    def acme(self):
        return made(
            state="inactive",
            plan="plus",
            email="contact@acme.example",
            owner_email="a@acme.example",
            members=[
                member("a@acme.example", "Organization Admin", full_name="Ada"),
                member("b@acme.example", "Portal Admin", "Analytics Viewer", full_name="Ben"),
                member("c@acme.example"),
            ],
            control_planes=[
                control_plane(nodes=2),
                control_plane("mesh", kind="mesh_global", nodes=1, zones=3),
            ],
        )

    def test_it_is_deactivated_at_the_import(self, acme):
        assert (acme.state, acme.deactivated_at, acme.deactivation_reason) == (State.INACTIVE, AT, Reason.IMPORTED)
        assert acme.purge_at == AT + 90 * DAY
        assert acme.inactive_at is None

    def test_it_has_one_event_that_says_what_ended(self, acme):
        """P47"""
        event = LifecycleEvent.objects.get()

        assert event.pk == acme.deactivation_event_id
        assert (event.organization_id, event.act, event.reason) == (acme.pk, Act.DEACTIVATED, Reason.IMPORTED)
        assert (event.via, event.at, event.actor_id) == (Via.IMPORT, AT, None)
        assert event.details["control_planes"] == [str(each.pk) for each in acme.control_planes.order_by("name")]
        assert event.details["subscriptions"] == [str(acme.subscriptions.get().pk)]
        assert event.details["counts"] == {
            "subscriptions": 1,
            "control_planes": 2,
            "people": 2,
            "teams": 3,
            "addresses": 2,
            "nodes_left_running": 3,
            "zones_left_running": 3,
        }

    def test_names_and_addresses_stand_beside_its_event(self, acme):
        """P47"""
        subjects = EventSubject.objects.filter(event_id=acme.deactivation_event_id).order_by("id")

        assert [(each.part, each.name, each.address) for each in subjects] == [
            ("owner", "Ada", "a@acme.example"),
            ("contact", "", "contact@acme.example"),
            ("member", "Ada", "a@acme.example"),
            ("member", "Ben", "b@acme.example"),
        ]

    def test_nobody_is_in_its_teams_and_everybody_a_member(self, acme):
        """P44"""
        assert not TeamMembership.objects.filter(organization=acme).exists()
        assert acme.memberships.count() == 3
        assert Team.objects.filter(organization=acme).count() == 8

    def test_the_teams_of_the_line_can_be_restored(self, acme):
        """P52"""
        found = people_to_restore(acme.pk, acme.deactivation_event_id)

        names = dict(acme.teams.values_list("pk", "name"))
        emails = dict(User.objects.values_list("pk", "email"))
        assert sorted((emails[row.user_id], names[row.team_id]) for row in found.team_memberships) == [
            ("a@acme.example", "Organization Admin"),
            ("b@acme.example", "Analytics Viewer"),
            ("b@acme.example", "Portal Admin"),
        ]
        assert found.gone == []

    def test_contact_and_owner_address_are_locked_each_once(self, acme):
        """P45"""
        assert is_locked("Contact@acme.example")
        assert is_locked("a@acme.example")
        assert EmailLock.objects.count() == 2
        assert set(EmailLock.objects.values_list("locked_event_id", flat=True)) == {acme.deactivation_event_id}

    def test_one_address_is_locked_once(self):
        """P45"""
        made(state="inactive")

        assert EmailLock.objects.count() == 1

    def test_its_control_planes_are_taken_down(self, acme):
        """P42"""
        for each in acme.control_planes.all():
            assert each.state == ControlPlane.State.DECOMMISSIONED
            assert each.decommission_requested_at == each.begun_at == each.decommissioned_at == AT

    def test_it_has_no_plan_and_no_license_and_gets_no_mail(self, acme):
        """P41, P46"""
        assert plans([acme.pk], at=AT)[acme.pk] == "free"
        assert not Subscription.objects.unended(AT).exists()
        assert not License.objects.exists()
        assert not Email.objects.exists()

    @pytest.mark.parametrize("ends", [moment(days=-5), moment(days=5)])
    def test_its_trial_is_over_and_taken(self, ends):
        """P30, P41"""
        acme = made(state="inactive", plan="trial", trial_ends_at=ends)

        assert not Subscription.objects.unended(AT).exists()
        assert TrialClaim.objects.filter(organization_id=acme.pk).exists()
