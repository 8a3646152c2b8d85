"""P70, P72: staff find a person and read their page; leads replace a lost way in and reopen a closed account."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import LifecycleEvent, Person, Recovery, User
from accounts.services.events import record_event
from accounts.services.recovery import ask_recovery
from accounts.services.tokens import create_token
from accounts.words import Act, RecoveryStopped, Via
from konnect_portal.foundation.outbox import NewMail, queue_mails
from tests import factories
from tests.customers import words
from tests.desk import enroll, signed_in

LIST = "/admin/accounts/person/"
TIERS = [("viewer", 403), ("agent", 403), ("lead", 200), ("administrator", 200)]
NEW = "alice@new.example"
SAID = {"via": Via.ADMIN, "note": "Lost the mailbox", "ticket": "T-5", "proof": "lead_word"}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def client(viewer):
    return signed_in(viewer)


def page_of(person, act="change"):
    return f"{LIST}{person.pk}/{act}/"


def found(client, term):
    return [person.email for person in client.get(LIST, {"q": term}).context["cl"].result_list]


def confirm(client, url, **answers):
    """Read the preview and answer its questions; `answers` replace the usual ones."""
    page = client.get(url)
    digest = re.search(r'name="digest" value="(.*?)"', page.text)[1]
    usual = {"digest": digest, "note": "They wrote", "ticket": "T-1", "proof": "session"}
    return client.post(url, {**usual, "name": page.context["form"].expected_name, **answers})


def close(person):
    User.objects.filter(pk=person.pk).update(is_active=False, closed_at=timezone.now())


@pytest.mark.parametrize(
    "secret", ["accounts/person/?password__startswith=a", "licensing/license/?document__contains=a"]
)
def test_a_list_is_narrowed_by_its_filters_only(client, alice, secret):
    """P6, P21: letter by letter it would tell the hash of a password, or a license."""
    assert client.get(f"/admin/{secret}").status_code == 400


class TestFinding:
    @pytest.mark.parametrize("term", ["alice@acme.example", " ALICE@Acme.example", "ice own", "acme.exa"])
    def test_by_address_or_part_of_a_name(self, client, alice, charlie, term):
        assert found(client, term) == ["alice@acme.example"]

    def test_by_id(self, client, alice, bob):
        assert found(client, str(bob.pk)) == ["bob@acme.example"]

    def test_a_closed_account_beside_the_one_that_signed_up_since(self, client, alice):
        """P56"""
        close(alice)
        factories.UserFactory(email=alice.email)

        assert found(client, alice.email) == [alice.email] * 2

    @pytest.mark.parametrize(("term", "names"), [("50%", ["50% off"]), ("a_b", ["a_b"])])
    def test_signs_stand_for_themselves(self, client, term, names):
        for name in ("50% off", "50 percent off", "a_b", "aXb"):
            factories.UserFactory(full_name=name)

        people = client.get(LIST, {"q": term}).context["cl"].result_list
        assert [person.full_name for person in people] == names

    @pytest.mark.parametrize("term", ["a\0b", "a" * 5_000, "%%%"])
    def test_junk_is_no_failure(self, client, term):
        assert client.get(LIST, {"q": term}, follow=True).status_code == 200

    def test_two_characters_find_nothing_and_the_page_says_why(self, client, alice):
        page = client.get(LIST, {"q": "al"}, follow=True)

        assert list(page.context["cl"].result_list) == []
        assert "at least 3 characters" in page.text

    def test_staff_are_no_customers(self, client, alice, lead):
        """P70"""
        assert found(client, "portal.example") == []
        assert client.get(page_of(lead)).status_code == 302

    def test_the_list_costs_the_same_however_many_rows_it_shows(self, client):
        """P72"""

        def queries():
            with CaptureQueriesContext(connection) as captured:
                client.get(LIST)
            return len(captured)

        factories.organization()
        few = queries()
        for _ in range(5):
            factories.organization()

        assert queries() == few


class TestPage:
    def test_it_tells_what_a_case_asks(self, client, acme, globex, alice, lead):
        enroll(alice)
        ask_recovery(alice.pk, email=NEW, actor=lead, **SAID)
        factories.role(acme, user=alice)
        factories.email_lock(globex, alice.email)

        page = words(client.get(page_of(alice)))

        for told in (
            "Open; last seen",
            f"The address becomes {NEW}",
            "Authenticator app, recovery codes",
            "0 sessions, 0 personal tokens",
            "Organization Admin · 1 role of their own",
            "New address not confirmed yet",
            "Replacement asked for",
            "ticket T-5",
            "Your address will be replaced on",
        ):
            assert told in re.sub(r"<[^>]*> *", "", page), told
        assert f"/admin/accounts/organization/{globex.pk}/change/" in page

    def test_a_closed_account_says_since_when(self, client, alice):
        """P56"""
        close(alice)

        assert "nobody signs in, and the address is free" in words(client.get(page_of(alice)))

    def test_the_case_of_an_organization_leads_to_its_people(self, client, acme, alice, bob):
        page = client.get(f"/admin/accounts/organization/{acme.pk}/change/").text

        assert page_of(alice) in page
        assert page_of(bob) in page

    def test_it_costs_the_same_however_much_they_belong_to(self, client, alice, lead):
        """P72"""

        def queries():
            with CaptureQueriesContext(connection) as captured:
                assert client.get(page_of(alice)).status_code == 200
            return len(captured)

        def grow():
            organization = factories.organization(owner=alice)
            factories.role(organization, user=alice)
            factories.email_lock(organization, alice.email)
            expires_at = timezone.now() + timedelta(days=9)
            create_token(organization.pk, name="t", expires_at=expires_at, user=alice, actor=alice)
            queue_mails([NewMail(to=alice.email, kind="password_changed", context={}, person_id=alice.pk)])
            now = timezone.now()
            stopped = {"stopped_at": now, "stopped_because": RecoveryStopped.STAFF}
            Recovery.objects.create(user=alice, asked_at=now, in_force_at=now, event_id=organization.pk, **stopped)

        grow()
        few = queries()
        for _ in range(5):
            grow()

        assert queries() == few <= 25

    def test_names_run_nothing(self, client):
        person = factories.UserFactory(full_name="<script>alert(1)</script>")

        assert "<script>alert(1)" not in client.get(page_of(person)).text


class TestReplacing:
    @pytest.mark.parametrize(("tier", "status"), TIERS)
    @pytest.mark.parametrize("act", ["replace-address", "remove-second-factor"])
    def test_who_may(self, request, act, tier, status, alice):
        """P70"""
        enroll(alice)
        client = signed_in(request.getfixturevalue(tier))

        assert client.get(page_of(alice, act)).status_code == status
        assert client.post(page_of(alice, act), {}).status_code == status
        assert (page_of(alice, act) in client.get(page_of(alice)).text) == (status == 200)
        assert not Recovery.objects.exists()

    def test_whoever_may_not_learns_nothing_of_what_waits(self, alice, agent):
        """P70"""
        assert signed_in(agent).get(page_of(alice, "stop-replacement")).status_code == 403

    def test_the_preview_counts_what_will_end(self, acme, globex, alice, lead):
        """P71"""
        create_token(acme.pk, name="deploy", expires_at=timezone.now() + timedelta(days=9), user=alice)
        signed_in(alice)

        page = words(signed_in(lead).get(page_of(alice, "replace-address")))

        for told in (
            "End 1 session and revoke 1 personal token",
            "deploy (Acme)",
            "Let the contact e-mail of 1 organization follow",
            "Change anything in the next 72 hours",
        ):
            assert told in page

    def test_an_address_is_replaced_by_the_grammar_of_every_act(self, alice, lead):
        """P71, P73"""
        answer = confirm(signed_in(lead), page_of(alice, "replace-address"), email=" Alice@NEW.example")

        assert answer["Location"] == page_of(alice)
        assert Recovery.objects.get().email == NEW
        event = LifecycleEvent.objects.get()
        assert (event.act, event.actor_id, event.via) == (Act.RECOVERY_ASKED, lead.pk, Via.ADMIN)
        assert (event.note, event.ticket, event.proof) == ("They wrote", "T-1", "session")
        assert event.remote_address == "127.0.0.1"

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"email": "bob@acme.example"}, "an account of its own"),
            ({"email": "no address"}, "valid email"),
            ({"email": "a\0b@x.example"}, "Null characters"),
            ({"email": "a" * 10_000 + "@x.example"}, "at most"),
            ({"proof": ""}, "required"),
            ({"name": "alice"}, "This is not"),
        ],
    )
    def test_what_is_wrong_is_said_and_changes_nothing(self, alice, bob, lead, wrong, told):
        answer = confirm(signed_in(lead), page_of(alice, "replace-address"), **{"email": NEW, **wrong})

        assert told in words(answer)
        assert "They wrote" in answer.text
        assert not Recovery.objects.exists()

    def test_what_changed_since_the_preview_is_shown_again(self, acme, alice, lead):
        """Habit 4"""
        client = signed_in(lead)
        digest = client.get(page_of(alice, "replace-address")).context["shown"].digest
        create_token(acme.pk, name="deploy", expires_at=timezone.now() + timedelta(days=9), user=alice)

        answer = confirm(client, page_of(alice, "replace-address"), digest=digest, email=NEW)

        assert "Something changed since" in words(answer)
        assert not Recovery.objects.exists()

    def test_what_waits_is_stopped_and_offered_once(self, alice, lead):
        enroll(alice)
        client = signed_in(lead)
        confirm(client, page_of(alice, "remove-second-factor"))
        page = client.get(page_of(alice)).text
        assert page_of(alice, "replace-address") not in page

        confirm(client, page_of(alice, "stop-replacement"))

        assert Recovery.objects.get().stopped_because == RecoveryStopped.STAFF
        assert "nothing was changed" in words(client.get(page_of(alice, "stop-replacement"), follow=True))

    def test_without_a_second_factor_none_is_taken_away(self, alice, lead):
        client = signed_in(lead)

        assert page_of(alice, "remove-second-factor") not in client.get(page_of(alice)).text
        assert "nothing was changed" in words(client.get(page_of(alice, "remove-second-factor"), follow=True))


class TestReopening:
    @pytest.mark.parametrize(("tier", "status"), TIERS)
    def test_who_may(self, request, tier, status, alice):
        """P70"""
        close(alice)
        client = signed_in(request.getfixturevalue(tier))

        assert client.get(page_of(alice, "reopen")).status_code == status
        assert (page_of(alice, "reopen") in client.get(page_of(alice)).text) == (status == 200)

    def test_the_account_is_open_again(self, alice, lead):
        """P56"""
        close(alice)
        client = signed_in(lead)
        assert "Reopening is possible until" in words(client.get(page_of(alice, "reopen")))

        confirm(client, page_of(alice, "reopen"))

        assert Person.objects.get(pk=alice.pk).is_active
        assert LifecycleEvent.objects.get().act == Act.ACCOUNT_REOPENED

    def test_not_where_the_address_signed_up_anew(self, alice, lead):
        """P56: the page says so, greyed."""
        close(alice)
        factories.UserFactory(email=alice.email)
        client = signed_in(lead)

        assert "has an account of its own since" in words(client.get(page_of(alice)))
        assert "has an account of its own since" in words(client.get(page_of(alice, "reopen"), follow=True))
        assert not Person.objects.get(pk=alice.pk).is_active


def test_events_name_the_organization_and_who_did_it(client, acme, alice, bob):
    record_event(Act.MEMBER_REMOVED, organization_id=acme.pk, actor=alice, via=Via.PAGES, about=[bob])

    page = re.sub(r"<[^>]*> *", "", words(client.get(page_of(bob))))

    assert "Removed" in page
    assert "in Acme, by Alice Owner" in page
