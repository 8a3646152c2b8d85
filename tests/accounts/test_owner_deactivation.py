"""The owner deactivates at Settings > General: sees first what it changes, and is told the way back (P39, P71)."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.columns import Column
from accounts.lifecycle import deactivate_organizations
from accounts.models import EmailLock, LifecycleEvent, Organization
from accounts.owners_preview import columns_of
from accounts.previews import deactivation_of
from accounts.services.ownership import transfer_ownership
from accounts.services.tokens import create_token
from accounts.words import ORGANIZATION_ADMIN, Act, Reason, State, Via
from geos.models import ControlPlane
from tests import factories
from tests.customers import entered, mails_to, signed_in, with_password, words
from tests.desk import enroll
from tests.factories import PASSWORD
from tests.races import collide

pytestmark = pytest.mark.django_db

SETTINGS, DEACTIVATE = "/organization/settings/", "/organization/settings/deactivate/"


@pytest.fixture(autouse=True)
def _no_tries_yet(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def alice(alice):
    return with_password(alice)


@pytest.fixture
def dora(acme):
    return factories.member(
        acme, factories.UserFactory(email="dora@acme.example", full_name="Dora Admin"), ORGANIZATION_ADMIN
    )


@pytest.fixture
def as_alice(alice, acme):
    return entered(alice, acme)


@pytest.fixture
def deactivate(acme, lead):
    return lambda: deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")


def answered(client, **answers) -> dict:
    """Read the preview and answer all that the page asks; `answers` replace the usual ones."""
    digest = re.search(r'name="digest" value="(.*?)"', client.get(DEACTIVATE).text)[1]
    return {"digest": digest, "take_down": "later", "name": "Acme", "password": PASSWORD} | answers


def confirm(client, **answers):
    return client.post(DEACTIVATE, answered(client, **answers), follow=True)


def state_of(organization) -> str:
    return Organization.objects.get(pk=organization.pk).state


def test_whoever_has_no_password_yet_reads_where_to_set_one(acme, alice, as_alice):
    """P6"""
    assert "Set one by mail first" not in as_alice.get(DEACTIVATE).text

    alice.set_unusable_password()
    alice.save()

    assert "Set one by mail first" in entered(alice, acme).get(DEACTIVATE).text


class TestPreview:
    """What is read before: from the same facts as support's (P71)."""

    def test_it_counts_and_names_what_ends_what_does_not_and_the_way_back(self, acme, globex, alice, bob):
        factories.subscription(acme)
        factories.control_plane(acme, "shop", nodes=14)
        factories.control_plane(acme, "mesh", "eu", kind="mesh_global", zones=2)
        at = timezone.now()
        create_token(acme.pk, name="t", user=bob, expires_at=at + timedelta(days=30))
        ends, keeps, back = told(columns_of(deactivation_of(acme, at=at), when="in 72 hours"))

        for sentence in (
            "End 1 subscription and all billing",
            "Stop configuration for 2 control planes in 2 geos at once, and take them down in 72 hours",
            "shop (us)",
            "Remove 2 people from 2 teams",
            "Revoke 1 token, for good",
            "Lock your own address: no new organization with it until support unlocks it",
            "alice@acme.example (used in 1 other organization, which goes on)",
            "Refuse everyone who comes to Acme from now on, you too",
        ):
            assert sentence in ends
        assert "Stop 14 nodes and 2 zones: they run on without new configuration, and only you can stop them" in keeps
        assert "Close your account or anybody else’s" in keeps
        assert f"Only support can undo it, until {at + timedelta(days=90):%-d %b %Y, %H:%M} UTC" in back

    def test_where_the_contact_was_set_apart_it_is_locked_too(self, acme):
        """P45"""
        Organization.objects.filter(pk=acme.pk).update(contact_email="office@acme.example")
        acme.refresh_from_db()
        ends, *_ = told(columns_of(deactivation_of(acme, at=timezone.now()), when=""))

        assert "Lock your own address and the contact e-mail" in ends
        assert "office@acme.example" in ends

    def test_whoever_closes_their_account_is_not_told_that_it_stays(self, acme):
        """P56"""
        preview = deactivation_of(acme, at=timezone.now())
        _, keeps, _ = told(columns_of(preview, when="", closing_account=True))

        assert "Close the account of any other member" in keeps
        assert "your account" not in keeps

    def test_the_price_of_the_page_does_not_depend_on_what_there_is(self, as_alice, acme):
        def queries():
            with CaptureQueriesContext(connection) as asked:
                assert as_alice.get(DEACTIVATE).status_code == 200
            return len(asked)

        factories.control_plane(acme)
        few = queries()
        for n in range(12):
            factories.control_plane(acme, f"cp-{n}", nodes=2)
            factories.member(acme, None, ORGANIZATION_ADMIN)
            factories.system_account(acme, f"robot-{n}", ORGANIZATION_ADMIN)

        assert queries() == few


def told(columns: list[Column]) -> list[str]:
    return ["\n".join([line for each in column.lines for line in (each.text, *each.names)]) for column in columns]


class TestDeactivating:
    def test_it_is_deactivated_by_its_owner_who_has_left_it_and_reads_until_when_it_can_be_undone(
        self, as_alice, acme, globex, alice
    ):
        """P39, P40, P47, P55"""
        page = confirm(as_alice)

        acme.refresh_from_db()
        assert acme.state == State.INACTIVE
        assert page.redirect_chain == [("/organizations/", 302)]
        assert "Acme is deactivated" in page.text
        assert f"until {acme.purge_at:%-d %b %Y, %H:%M} UTC" in words(page)
        event = LifecycleEvent.objects.get()
        assert (event.act, event.reason, event.via, event.actor_id) == (
            Act.DEACTIVATED,
            Reason.OWNER_REQUEST,
            Via.SETTINGS,
            alice.pk,
        )
        assert [lock.address for lock in EmailLock.objects.live()] == [alice.email]
        assert as_alice.get(SETTINGS)["Location"].startswith("/organizations/")
        assert as_alice.post(f"/organizations/{globex.pk}/enter/").status_code == 302
        assert as_alice.get(SETTINGS).status_code == 200

    def test_owner_and_all_admins_are_told_once_each(self, as_alice, acme, alice, bob, dora):
        """P49"""
        confirm(as_alice)

        for person in (alice, dora):
            [mail] = mails_to(person.email)
            assert "because its owner asked for it" in mail.message
        assert mails_to(bob.email) == []

    @pytest.mark.parametrize("plan", ["trial", "plus", "enterprise"])
    def test_on_every_plan(self, plan, as_alice, acme):
        """P2: the second lead of P71 is for staff."""
        factories.subscription(acme, plan)
        confirm(as_alice)

        assert state_of(acme) == State.INACTIVE

    @pytest.mark.parametrize(("choice", "hours"), [("later", 72), ("now", 0)])
    def test_control_planes_are_taken_down_when_the_owner_says(self, choice, hours, as_alice, acme):
        """P42, P51"""
        factories.control_plane(acme)
        page = confirm(as_alice, take_down=choice)

        assert ("its control planes until" in words(page)) == (hours > 0)
        begins_at, at = ControlPlane.objects.get().begins_at, LifecycleEvent.objects.get().at
        assert begins_at - at == pytest.approx(timedelta(hours=hours), abs=timedelta(seconds=5))

    def test_later_is_chosen_unless_changed_and_not_asked_where_there_is_none(self, as_alice, acme):
        """P42"""
        assert "Take its control planes down" not in as_alice.get(DEACTIVATE).text
        factories.control_plane(acme)

        assert re.search(r'value="later"[^>]*checked', as_alice.get(DEACTIVATE).text)

    @pytest.mark.parametrize(
        ("answers", "said"),
        [
            ({"name": ""}, "type the name"),
            ({"name": "Globex"}, "This is not “Acme”"),
            ({"name": "Acme\x00"}, "Null characters"),
            ({"password": ""}, "enter your password"),
            ({"password": "wrong"}, "not your password"),
            ({"take_down": "tomorrow"}, "Select a valid choice"),
            ({"take_down": ""}, "choose when"),
            ({"digest": ""}, "Something changed since this was shown"),
            ({"digest": "x" * 10_000}, "Something changed since this was shown"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_done(self, answers, said, as_alice, acme):
        """P71"""
        factories.control_plane(acme)
        page = confirm(as_alice, **answers)

        assert said in page.text
        assert "This will" in page.text
        assert state_of(acme) == State.ACTIVE
        assert not LifecycleEvent.objects.exists()

    def test_where_something_changed_since_it_is_shown_again(self, as_alice, acme):
        """P71"""
        data = answered(as_alice)
        factories.control_plane(acme, "new-one")
        page = as_alice.post(DEACTIVATE, data)

        assert "Something changed since this was shown" in page.text
        assert "new-one" in page.text
        assert state_of(acme) == State.ACTIVE
        assert "Acme is deactivated" in confirm(as_alice).text

    def test_the_second_tab_is_told(self, alice, acme):
        """P49"""
        first, second = entered(alice, acme), entered(alice, acme)
        data = answered(second)
        confirm(first)
        page = second.post(DEACTIVATE, data)

        assert page.status_code == 403
        assert "Acme is deactivated" in page.text
        assert LifecycleEvent.objects.count() == 1

    def test_an_admin_who_does_not_own_it_may_not(self, as_alice, acme, dora):
        """P2"""
        data, client = answered(as_alice), entered(with_password(dora), acme)

        assert client.get(DEACTIVATE).status_code == 403
        assert client.post(DEACTIVATE, data).status_code == 403
        assert state_of(acme) == State.ACTIVE

    def test_whoever_has_a_second_factor_shows_it_once_more(self, alice, acme):
        enroll(alice)
        client = signed_in(alice, stepped_up=False)
        client.post(f"/organizations/{acme.pk}/enter/")
        answer = client.post(DEACTIVATE, {"name": "Acme", "password": PASSWORD})

        assert answer["Location"].startswith("/account/confirm/")
        assert PASSWORD not in str(dict(client.session))
        assert state_of(acme) == State.ACTIVE

    def test_without_a_second_factor_the_password_is_asked_for_once(self, alice, acme):
        client = signed_in(with_password(alice), stepped_up=False)
        client.post(f"/organizations/{acme.pk}/enter/")

        assert 'name="password"' in client.get(DEACTIVATE).text
        assert client.post(DEACTIVATE, answered(client, password="wrong")).status_code == 200
        assert state_of(acme) == State.ACTIVE


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_one_that_meets_supports_own_is_told_and_leaves_one_event(self, as_alice, deactivate):
        """P49"""
        data = answered(as_alice)
        page = collide(deactivate, lambda: as_alice.post(DEACTIVATE, data))

        assert page.status_code == 403
        assert "Acme is deactivated" in page.text
        assert LifecycleEvent.objects.count() == 1

    def test_what_is_added_while_it_waits_is_shown_first(self, as_alice, acme):
        """P71: the digest is asked again under lock."""
        data = answered(as_alice)
        page = collide(
            lambda: factories.control_plane(Organization.objects.hold(acme.pk), "late"),
            lambda: as_alice.post(DEACTIVATE, data),
        )

        assert "Something changed since this was shown" in page.text
        assert "late (us)" in page.text
        assert state_of(acme) == State.ACTIVE

    def test_whoever_has_just_handed_it_over_does_not_deactivate_it(self, as_alice, acme, alice, dora):
        """P2"""
        data = answered(as_alice)
        page = collide(
            lambda: transfer_ownership(acme.pk, to=dora.pk, actor=alice, via=Via.SETTINGS),
            lambda: as_alice.post(DEACTIVATE, data),
        )

        assert "Only its owner can deactivate Acme here" in page.text
        assert state_of(acme) == State.ACTIVE
