"""A person closes their account: every owned organization handed over or deactivated, all of it or nothing (P56)."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.access import open_by_token
from accounts.closing import HandOver
from accounts.errors import LifecycleError, PreviewChanged
from accounts.models import (
    AccessToken,
    AddressChange,
    EmailLock,
    LifecycleEvent,
    Membership,
    Organization,
    PasswordHistory,
    Recovery,
    Session,
    User,
)
from accounts.previews import closing_of
from accounts.services.invitations import invite_people
from accounts.services.ownership import transfer_ownership
from accounts.services.resets import request_password_reset
from accounts.services.sign_up import request_sign_up
from accounts.services.tokens import create_token
from accounts.services.waiting import waiting_in
from accounts.words import ORGANIZATION_ADMIN, Act, Reason, State, Via
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.problems import Problem
from tests import factories
from tests.accounts.test_deactivation import deactivate
from tests.accounts.test_deactivation_walk import full, tables
from tests.closing import close, deactivation
from tests.customers import mails_to, signed_in, with_password, words

pytestmark = pytest.mark.django_db
DELETE = "/account/delete/"


@pytest.fixture
def dora(acme):
    return factories.member(
        acme, factories.UserFactory(email="dora@acme.example", full_name="Dora Admin"), ORGANIZATION_ADMIN
    )


@pytest.fixture
def initech(alice):
    return factories.organization("Initech", owner=alice)


def words_only(page):
    return " ".join(re.sub("<[^>]*>", " ", page.text).split())


def state_of(organization):
    return Organization.objects.get(pk=organization.pk).state


class TestOrganizations:
    def test_one_is_handed_over_and_another_deactivated_in_one_act(self, acme, initech, globex, alice, dora):
        """P56"""
        event = close(alice, {acme: HandOver(dora.pk), initech: deactivation(initech)})

        acme.refresh_from_db()
        initech.refresh_from_db()
        assert (acme.state, acme.owner, acme.contact_email) == (State.ACTIVE, dora, dora.email)
        assert (initech.state, initech.owner) == (State.INACTIVE, alice)
        assert initech.deactivation_reason == Reason.ACCOUNT_CLOSED
        assert not Membership.objects.filter(user=alice).exists()
        assert state_of(globex) == State.ACTIVE
        assert event.organization_id is None
        assert event.details["handed_over"] == [str(acme.pk)]
        assert event.details["deactivated"] == [str(initech.pk)]
        assert set(event.details["left"]) == {str(each.pk) for each in (acme, initech, globex)}

    def test_a_set_is_deactivated_each_at_its_own_moment(self, initech, alice):
        """P42"""
        second = factories.organization("Second", owner=alice)
        planes = [factories.control_plane(each) for each in (initech, second)]

        close(alice, {initech: deactivation(initech), second: deactivation(second, at_once=True)})

        for plane in planes:
            plane.refresh_from_db()
        assert planes[0].begins_at - planes[1].begins_at > timedelta(hours=71)
        assert EmailLock.objects.live().filter(address=alice.email).count() == 2

    def test_without_an_owned_organization_no_address_is_locked(self, globex, alice):
        """P56"""
        close(alice)

        assert not EmailLock.objects.exists()
        assert state_of(globex) == State.ACTIVE

    def test_one_deactivated_before_needs_no_choice_and_stays_as_it_is(self, acme, alice, bob, lead):
        factories.member(acme, None, ORGANIZATION_ADMIN)
        [event] = deactivate(acme, actor=lead)

        close(alice)

        acme.refresh_from_db()
        assert (acme.state, acme.owner, acme.deactivation_event_id) == (State.INACTIVE, alice, event.pk)
        assert list(acme.memberships.filter(user__in=[alice, bob]).values_list("user", flat=True)) == [bob.pk]

    def test_each_organization_is_told_that_the_person_left(self, acme, globex, alice, dora):
        """P47"""
        factories.role(globex, user=alice)
        close(alice, {acme: HandOver(dora.pk)})

        told = {event.organization_id: event for event in LifecycleEvent.objects.filter(act=Act.MEMBER_LEFT)}
        assert told.keys() == {acme.pk, globex.pk}
        assert told[globex.pk].details["counts"]["role_assignments"] == 1
        assert told[acme.pk].details["counts"]["role_assignments"] == 0


class TestAllOrNothing:
    @pytest.fixture(autouse=True)
    def world(self, acme, initech, globex, alice, dora):
        with_password(alice)
        full(globex, 2)

    def refused(self, person, choices, error, **options):
        before = tables()
        with pytest.raises(error) as refusal:
            close(person, choices, **options)
        assert tables() == before
        return str(refusal.value)

    def test_a_heir_who_is_no_admin_any_more_stops_everything(self, acme, initech, alice, bob):
        """P56"""
        choices = {initech: deactivation(initech), acme: HandOver(bob.pk)}

        assert "Organization Admin" in self.refused(alice, choices, LifecycleError)

    def test_so_does_a_deactivation_that_would_change_something_else_than_was_shown(self, acme, initech, alice, dora):
        """P71"""
        choices = {acme: HandOver(dora.pk), initech: deactivation(initech)}
        factories.control_plane(initech)

        self.refused(alice, choices, PreviewChanged)

    def test_so_does_an_organization_owned_since(self, acme, initech, globex, alice, charlie, dora):
        """P56: an account closed while it is made owner elsewhere."""
        shown = closing_of(alice).digest
        choices = {acme: HandOver(dora.pk), initech: deactivation(initech)}
        transfer_ownership(globex.pk, to=alice.pk, actor=charlie, via=Via.SETTINGS)

        self.refused(alice, choices, PreviewChanged, expected=shown)

    def test_so_does_an_organization_without_a_choice_or_one_that_is_not_theirs(self, acme, initech, globex, alice):
        """P56"""
        choices = {acme: deactivation(acme)}

        assert "choose" in self.refused(alice, choices, LifecycleError)
        choices |= {initech: deactivation(initech), globex: deactivation(globex)}
        assert "choose" in self.refused(alice, choices, LifecycleError)

    def test_no_row_of_other_people_and_other_organizations_changes(self, acme, initech, globex, alice, dora):
        """P56"""
        before = tables()
        close(alice, {acme: HandOver(dora.pk), initech: deactivation(initech)})
        after = tables()

        theirs = {str(alice.pk), str(acme.pk), str(initech.pk)}
        named = ("user_id", "owner_id", "organization_id", "id")
        for table, rows in before.items():
            for key, row in rows.items():
                if after[table].get(key) != row:
                    assert theirs & {str(row.get(name)) for name in named}, (table, row)


class TestAccount:
    @pytest.fixture
    def alice(self, alice):
        return with_password(alice)

    def test_nothing_opens_it_any_more(self, globex, alice):
        """P56"""
        _, secret = create_token(globex.pk, name="t", user=alice, expires_at=timezone.now() + timedelta(days=9))
        browser = signed_in(alice)
        Authenticator.objects.create(user=alice, type=Authenticator.Type.TOTP, data={})
        EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
        AddressChange.objects.create(user=alice, email="alice@new.example")
        now = timezone.now()
        Recovery.objects.create(user=alice, asked_at=now, in_force_at=now, event_id=alice.pk)

        close(alice)

        person = User.objects.get(pk=alice.pk)
        assert (person.is_active, person.has_usable_password()) == (False, False)
        assert person.closed_at is not None
        for model in (Authenticator, EmailAddress, AddressChange, Recovery, AccessToken):
            assert not model.objects.filter(user=alice).exists()
        assert not Session.objects.filter(user_id=alice.pk).exists()
        assert PasswordHistory.objects.filter(user=alice).exists()
        with pytest.raises(Problem):
            open_by_token(secret)
        assert browser.get("/account/")["Location"].startswith("/login/")

    def test_its_address_is_free_and_everything_answers_as_for_a_stranger(self, client, globex, alice):
        """P8, P56"""
        close(alice)
        request_sign_up(alice.email)
        request_password_reset(alice.email)
        cache.clear()

        kinds = list(Mail.objects.order_by("email_id").values_list("kind", flat=True))
        assert kinds == ["account_closed", "sign_up", "password_reset_unknown"]
        for email in (alice.email, "nobody@x.example"):
            answer = client.post("/login/", {"login": email, "password": factories.PASSWORD})
            assert "The e-mail address or the password is not right." in answer.text

    def test_who_invited_somebody_is_named_no_more(self, globex, alice):
        """P56"""
        invite_people(globex.pk, ["new@x.example"], actor=alice, via=Via.PAGES)
        assert waiting_in(globex.pk, after=None)[1][0].invited_by == "Alice Owner"

        close(alice)

        assert waiting_in(globex.pk, after=None)[1][0].invited_by == ""

    def test_whoever_signs_up_with_the_address_anew_is_somebody_else(self, globex, alice):
        """P56"""
        close(alice)
        anew = factories.UserFactory(email=alice.email)

        assert User.objects.of_address(alice.email).get() == anew
        assert not anew.memberships.exists()

    def test_twice_closes_once(self, globex, alice):
        close(alice)

        with pytest.raises(User.DoesNotExist):
            close(alice)
        assert LifecycleEvent.objects.filter(act=Act.ACCOUNT_CLOSED).count() == 1

    def test_the_event_says_what_ended_by_id_and_count(self, acme, globex, alice, dora):
        """P47"""
        create_token(globex.pk, name="t", user=alice, expires_at=timezone.now() + timedelta(days=9))
        event = close(alice, {acme: HandOver(dora.pk)})

        assert (event.act, event.via, event.actor_id, event.remote_address) == (
            Act.ACCOUNT_CLOSED,
            Via.ACCOUNT,
            alice.pk,
            "192.0.2.1",
        )
        counts = event.details["counts"]
        assert (counts["handed_over"], counts["deactivated"], counts["left"], counts["tokens"]) == (1, 0, 2, 1)
        assert counts["team_memberships"] == 2
        assert "alice" not in str(event.details).lower()


class TestMails:
    def test_the_person_is_told_what_became_of_everything_and_how_to_come_back(
        self, acme, initech, globex, alice, dora
    ):
        """P56"""
        close(alice, {acme: HandOver(dora.pk), initech: deactivation(initech)})

        mails = {mail.subject: mail.message for mail in mails_to(alice.email)}
        closed = mails["Your account was deleted"]
        assert "Handed over, they go on: Acme\n" in closed
        assert "says what stopped: Initech\n" in closed
        assert "You left, they go on: Globex\n" in closed
        until = timezone.now() + timedelta(days=90)
        assert f"write to support before {until:%-d %b %Y}" in closed
        assert "address is locked" in closed

    def test_who_owned_nothing_reads_that_the_address_is_free(self, globex, alice):
        """P56"""
        close(alice)

        [mail] = mails_to(alice.email)
        assert "You can sign up".lower() in mail.message.lower()

    def test_the_mail_about_an_organization_does_not_say_that_the_account_goes_on(self, initech, alice):
        """P49"""
        admin = factories.member(initech, None, ORGANIZATION_ADMIN)
        close(alice, {initech: deactivation(initech)})

        [theirs] = [mail.message for mail in mails_to(alice.email) if mail.subject.startswith("Initech")]
        assert "not affected" not in theirs
        assert "because its owner closed their account" in theirs
        assert "not affected" in mails_to(admin.email)[0].message

    def test_the_admins_of_what_was_handed_over_read_that_the_owner_left(self, acme, alice, dora):
        """P3"""
        close(alice, {acme: HandOver(dora.pk)})

        assert "Alice Owner closed their account and left" in mails_to(dora.email)[0].message


class TestPage:
    @pytest.fixture(autouse=True)
    def _no_tries_yet(self, settings):
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        cache.clear()

    @pytest.fixture
    def alice(self, alice):
        return with_password(alice)

    @pytest.fixture
    def client(self, alice):
        return signed_in(alice)

    @staticmethod
    def sent(page, choices, **typed):
        """What the page posts: the digests that it carries, what was chosen and typed."""
        hidden = dict(re.findall(r'name="([\w-]*digest)"\s+value="(\w*)"', page.text))
        chosen = {f"organization-{organization.pk}": choice for organization, choice in choices.items()}
        return {**hidden, **chosen, "name": "alice@acme.example", "password": factories.PASSWORD, **typed}

    def test_it_lists_what_needs_a_choice_and_what_does_not(self, client, acme, initech, globex, alice, dora, lead):
        """P56"""
        old = factories.organization("Old one", owner=alice)
        deactivate(old, actor=lead)
        page = client.get(DELETE)

        assert page.text.count("<select") == 2
        assert re.findall('value="([^"]*)" selected', page.text) == ["", ""]
        assert "Dora Admin (dora@acme.example)" in page.text
        assert "Bob Member (" not in page.text
        assert "first add somebody else to its team Organization Admin" in words(page)
        assert "go on without you Globex" in words_only(page)
        assert "nothing to choose for them Old one" in words_only(page)

    def test_what_is_chosen_there_happens_and_the_person_is_signed_out(
        self, client, acme, initech, globex, alice, dora
    ):
        """P56"""
        answer = client.post(DELETE, self.sent(client.get(DELETE), {acme: dora.pk, initech: "later"}))

        assert answer["Location"] == "/account/deleted/"
        assert "Your account is deleted" in client.get("/account/deleted/").text
        assert client.get("/account/")["Location"].startswith("/login/")
        assert Organization.objects.get(pk=acme.pk).owner == dora
        assert state_of(initech) == State.INACTIVE
        event = LifecycleEvent.objects.get(act=Act.ACCOUNT_CLOSED)
        assert (event.via, event.remote_address) == (Via.ACCOUNT, "127.0.0.1")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"name": "somebody@else.example"},
            {"name": ""},
            {"name": "x" * 10_000 + "\x00"},
            {"password": "Wrong-Horse-7-Battery"},
            {"digest": "\x00"},
        ],
    )
    def test_what_is_wrong_is_said_and_what_was_chosen_stays(self, wrong, client, acme, alice, dora):
        """P56, P71"""
        page = client.post(DELETE, self.sent(client.get(DELETE), {acme: dora.pk}, **wrong))

        assert 'role="alert"' in page.text
        assert f'value="{dora.pk}" selected' in page.text
        self.assert_nothing_changed(alice, acme)

    @pytest.mark.parametrize("choice", ["", "bob", "\x00", "x" * 10_000])
    def test_a_choice_that_is_none_closes_nothing(self, choice, client, acme, alice, bob, dora):
        """P3, P56"""
        sent = self.sent(client.get(DELETE), {acme: bob.pk if choice == "bob" else choice})
        page = client.post(DELETE, sent)

        assert "What becomes of Acme: Please choose" in page.text
        assert 'value="alice@acme.example"' in page.text
        self.assert_nothing_changed(alice, acme)

    @staticmethod
    def assert_nothing_changed(person, organization):
        assert User.objects.get(pk=person.pk).is_active
        assert Organization.objects.get(pk=organization.pk).owner == person

    def test_an_organization_owned_since_asks_for_its_choice(self, client, acme, globex, alice, charlie, dora):
        """P56"""
        sent = self.sent(client.get(DELETE), {acme: dora.pk})
        transfer_ownership(globex.pk, to=alice.pk, actor=charlie, via=Via.SETTINGS)

        page = client.post(DELETE, sent)

        assert "What becomes of Globex: Please choose what becomes of it." in page.text
        assert User.objects.get(pk=alice.pk).is_active

    def test_what_a_deactivation_would_change_differently_is_shown_again(self, client, initech, alice):
        """P71"""
        sent = self.sent(client.get(DELETE), {initech: "later"})
        factories.control_plane(initech)

        page = client.post(DELETE, sent)

        assert "Something changed since this was shown" in page.text
        assert state_of(initech) == State.ACTIVE
        assert client.post(DELETE, self.sent(page, {initech: "now"})).status_code == 302

    def test_it_takes_showing_once_more_who_one_is(self, alice):
        answer = signed_in(alice, stepped_up=False).get(DELETE)

        assert answer["Location"].startswith("/account/confirm/")

    def test_thirty_organizations_cost_what_one_does(self, client, acme, alice, dora):
        def cost() -> int:
            with CaptureQueriesContext(connection) as queries:
                client.get(DELETE)
            return len(queries)

        factories.control_plane(acme)
        cost()  # the first request of a session notes where it comes from
        before = cost()
        for n in range(3):
            other = factories.organization(f"Other {n}", owner=alice)
            factories.control_plane(other)
            factories.member(other, dora, ORGANIZATION_ADMIN)

        assert cost() == before

    def test_my_account_leads_there(self, client):
        assert f'href="{DELETE}"' in client.get("/account/").text
