"""A lead has a customer's lost address or second factor replaced: told at once, in force 72 hours later (P1, P73)."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.lifecycle import deactivate_organizations
from accounts.models import AccessToken, EventSubject, LifecycleEvent, Membership, Organization, Recovery, User
from accounts.services.addresses import change_address, request_address_change
from accounts.services.recovery import (
    ask_recovery,
    carry_out_recoveries,
    make_prove_link,
    make_stop_link,
    prove_address,
    stop_recovery,
    stop_recovery_by_lead,
)
from accounts.services.tokens import create_token
from accounts.tasks import carry_out_replacements
from accounts.words import Act, Reason, RecoveryStopped, Via
from konnect_portal.foundation.models import Mail
from tests import factories
from tests.customers import entered, link_to, mails_to, signed_in, with_password, words
from tests.desk import enroll
from tests.factories import PASSWORD
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db

NEW = "alice@new.example"
SAID = {"via": Via.ADMIN, "note": "Lost the mailbox", "ticket": "T-5", "proof": "lead_word"}
LATER = timedelta(hours=72, seconds=1)


@pytest.fixture(autouse=True)
def _quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def asked(alice, lead):
    return ask_recovery(alice.pk, email=NEW, actor=lead, **SAID)


@pytest.fixture
def proven(asked):
    prove_address(asked)
    return asked


def address_of(person):
    return User.objects.get(pk=person.pk).email


def carry_out(after=LATER):
    return carry_out_recoveries(at=timezone.now() + after)


def subjects(address):
    return [mail.subject for mail in mails_to(address)]


def token_of(person, organization):
    token, _secret = create_token(
        organization.pk, name="t", expires_at=timezone.now() + timedelta(days=30), user=person
    )
    return token


def deactivation(organization, actor):
    said = {"reason": Reason.FRAUD, "actor": actor, "via": Via.ADMIN, "ticket": "T-1"}
    return lambda: deactivate_organizations([organization.pk], **said)


class TestAsking:
    def test_ticket_and_proof_stand_in_the_event_and_both_addresses_are_told(self, alice, lead, asked):
        """P73: nothing has changed yet."""
        event = LifecycleEvent.objects.get()
        assert (event.act, event.actor_id, event.organization_id) == (Act.RECOVERY_ASKED, lead.pk, None)
        assert (event.note, event.ticket, event.proof) == ("Lost the mailbox", "T-5", "lead_word")
        assert event.details["kind"] == "address"
        assert NEW not in str(event.details)
        assert EventSubject.objects.filter(event=event, subject_id=alice.pk).exists()
        assert asked.in_force_at - asked.asked_at == timedelta(hours=72)
        [mail] = mails_to(alice.email)
        assert NEW in mail.message
        assert subjects(NEW) == ["Confirm your new e-mail address"]
        assert address_of(alice) == "alice@acme.example"

    @pytest.mark.parametrize("tier", ["viewer", "agent"])
    def test_it_takes_a_lead(self, request, tier, alice):
        """P70"""
        with pytest.raises(LifecycleError, match="lead"):
            ask_recovery(alice.pk, email=NEW, actor=request.getfixturevalue(tier), **SAID)

    @pytest.mark.parametrize("missing", ["note", "ticket", "proof"])
    def test_reason_ticket_and_proof_are_named(self, missing, alice, lead):
        """P71, P73"""
        with pytest.raises(LifecycleError, match="Please say"):
            ask_recovery(alice.pk, email=NEW, actor=lead, **SAID | {missing: ""})

    @pytest.mark.parametrize(
        ("email", "words"),
        [
            ("bob@acme.example", "an account of its own"),
            ("lead@portal.example", "an account of its own"),
            ("LOCKED@x.example", "locked"),
            (" Alice@acme.example", "already"),
            (None, "no second factor"),
        ],
    )
    def test_what_can_not_be_is_said_in_words(self, email, words, acme, alice, lead):
        """P1, P45"""
        factories.email_lock(acme, "locked@x.example")

        with pytest.raises(LifecycleError, match=words):
            ask_recovery(alice.pk, email=email, actor=lead, **SAID)

        assert not Recovery.objects.exists()
        assert not LifecycleEvent.objects.exists()

    def test_only_for_customers_with_open_accounts(self, alice, agent, lead):
        User.objects.filter(pk=alice.pk).update(is_active=False, closed_at=timezone.now())

        for person in (alice, agent):
            with pytest.raises(LifecycleError, match="open account"):
                ask_recovery(person.pk, email=NEW, actor=lead, **SAID)

    def test_one_at_a_time(self, alice, lead, asked):
        enroll(alice)

        with pytest.raises(LifecycleError, match="waits already"):
            ask_recovery(alice.pk, actor=lead, **SAID)


class TestCarryingOutAnAddress:
    def test_after_72_hours_it_is_theirs_and_both_are_told(self, alice, proven):
        """P1"""
        assert carry_out(timedelta(hours=71, minutes=59)) == 0
        assert address_of(alice) == "alice@acme.example"

        assert carry_out() == 1

        assert address_of(alice) == NEW
        [kept] = EmailAddress.objects.filter(user=alice)
        assert (kept.email, kept.verified, kept.primary) == (NEW, True, True)
        assert subjects("alice@acme.example")[-1] == "Your e-mail address was changed"
        assert subjects(NEW)[-1] == "This is the address of your account now"

    def test_not_before_the_new_address_is_proven(self, alice, asked):
        assert carry_out() == 0
        assert address_of(alice) == "alice@acme.example"
        assert Recovery.objects.waiting().get() == asked

    def test_never_proven_it_is_stopped_a_week_later(self, asked):
        carry_out(LATER + timedelta(days=7))

        asked.refresh_from_db()
        assert asked.stopped_because == RecoveryStopped.UNPROVEN

    def test_the_contact_address_follows_where_it_was_theirs(self, acme, alice, proven):
        """P2"""
        apart = factories.organization("Apart", owner=alice, contact_email="office@acme.example")
        carry_out()

        contacts = [Organization.objects.get(pk=each.pk).contact_email for each in (acme, apart)]
        assert contacts == [NEW, "office@acme.example"]

    def test_sessions_tokens_and_password_end_and_the_second_factor_stays(self, acme, globex, alice, bob, proven):
        """P5, P6"""
        enroll(alice)
        client, others = signed_in(alice), token_of(bob, acme)
        tokens = [token_of(alice, organization) for organization in (acme, globex)]

        carry_out()

        assert client.get("/account/")["Location"].startswith("/login/")
        assert not AccessToken.objects.filter(pk__in=[token.pk for token in tokens], revoked_at=None).exists()
        assert AccessToken.objects.get(pk=others.pk).revoked_at is None
        alice.refresh_from_db()
        assert not alice.has_usable_password()
        assert Authenticator.objects.filter(user=alice).exists()
        event = LifecycleEvent.objects.get(act=Act.RECOVERY_DONE)
        assert event.details["counts"] == {"sessions": 1, "tokens": 2, "second_factors": 0}
        revoked = LifecycleEvent.objects.filter(act=Act.TOKEN_REVOKED, via=Via.WORKER)
        assert {each.organization_id for each in revoked} == {acme.pk, globex.pk}

    def test_the_mail_to_the_new_address_leads_to_a_new_password(self, alice, proven):
        """P6: nobody else sets it."""
        with_password(alice)
        carry_out()

        link = link_to(alice, "address_replaced")
        assert "Choose a new password" in words(Client().get(link, follow=True))

    @pytest.mark.parametrize("became", [RecoveryStopped.TAKEN, RecoveryStopped.LOCKED])
    def test_what_became_impossible_is_stopped_with_the_reason(self, acme, alice, proven, became):
        """P45: asked again under lock."""
        if became == RecoveryStopped.LOCKED:
            factories.email_lock(acme, NEW)
        else:
            factories.UserFactory(email=NEW)

        assert carry_out() == 0

        proven.refresh_from_db()
        assert (proven.stopped_because, proven.done_at) == (became, None)
        assert address_of(alice) == "alice@acme.example"
        assert LifecycleEvent.objects.get(act=Act.RECOVERY_STOPPED).details["because"] == became

    def test_nothing_happens_to_a_closed_account(self, alice, proven):
        """P56"""
        User.objects.filter(pk=alice.pk).update(is_active=False, closed_at=timezone.now())

        assert carry_out() == 0
        assert address_of(alice) == "alice@acme.example"

    def test_twice_changes_nothing(self, alice, proven):
        carry_out()
        said = len(mails_to(NEW))

        assert carry_out() == 0
        assert len(mails_to(NEW)) == said
        assert LifecycleEvent.objects.filter(act=Act.RECOVERY_DONE).count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_one_that_fails_does_not_stop_the_others(self, alice, bob, lead, proven):
        ask_recovery(bob.pk, email="bob@new.example", actor=lead, **SAID)
        prove_address(Recovery.objects.get(user=bob))
        EmailAddress.objects.create(user=factories.UserFactory(), email=NEW, verified=True, primary=True)

        assert carry_out() == 1

        assert (address_of(alice), address_of(bob)) == ("alice@acme.example", "bob@new.example")
        proven.refresh_from_db()
        assert (proven.stopped_at, proven.done_at) == (None, None)


class TestCarryingOutASecondFactor:
    def test_it_is_gone_with_sessions_and_tokens_and_the_password_stays(self, acme, alice, lead):
        """P6"""
        enroll(alice)
        client, token = signed_in(alice), token_of(alice, acme)
        ask_recovery(alice.pk, actor=lead, **SAID)
        Recovery.objects.update(in_force_at=timezone.now())

        carry_out_replacements()

        assert not Authenticator.objects.filter(user=alice).exists()
        assert client.get("/account/")["Location"].startswith("/login/")
        assert AccessToken.objects.get(pk=token.pk).revoked_at is not None
        alice.refresh_from_db()
        assert alice.check_password(PASSWORD)
        assert subjects(alice.email)[-1] == "Your second factor was taken away"


class TestLinks:
    @pytest.fixture
    def stop(self, alice, asked):
        return link_to(alice, "recovery_asked")

    @pytest.fixture
    def prove(self, alice, asked):
        return link_to(alice, "recovery_prove")

    def test_the_old_address_stops_it_without_signing_in(self, alice, client, asked, stop):
        assert "Keep your address" in words(client.get(stop))
        asked.refresh_from_db()
        assert asked.stopped_at is None

        assert "Nothing changes" in words(client.post(stop))

        asked.refresh_from_db()
        assert asked.stopped_because == RecoveryStopped.LINK
        event = LifecycleEvent.objects.get(act=Act.RECOVERY_STOPPED)
        assert (event.via, event.actor_id, event.remote_address) == (Via.LINK, None, "127.0.0.1")
        assert subjects(NEW)[-1] == "The address is not replaced"
        assert carry_out() == 0

    def test_the_old_address_can_stop_it_until_it_has_happened(self, client, proven, stop):
        """Also where the 72 hours are over and the worker has not come yet."""
        Recovery.objects.update(in_force_at=timezone.now() - timedelta(hours=1))

        client.post(stop)

        assert carry_out() == 0

    def test_the_new_address_is_proven_by_a_click_that_only_looks_first(self, alice, client, asked, prove):
        client.get(prove)
        asked.refresh_from_db()
        assert asked.proven_at is None

        assert f"{NEW} is confirmed" in words(client.post(prove))

        asked.refresh_from_db()
        assert asked.proven_at is not None
        assert address_of(alice) == "alice@acme.example"

    def test_proven_after_72_hours_it_is_carried_out_at_once(self, alice, client, asked, prove):
        Recovery.objects.update(in_force_at=timezone.now() - timedelta(days=1))

        assert "as soon as you confirm it" in words(client.get(prove))
        assert "is your address now" in words(client.post(prove))
        assert address_of(alice) == NEW

    def test_a_used_link_and_a_forged_one_are_answered_alike(self, client, asked, stop, prove):
        stop_recovery(asked, because=RecoveryStopped.STAFF, via=Via.ADMIN)
        swapped = f"/account/recovery/stop/{prove.split('/')[-2]}/"
        paths = [stop, prove, swapped, "/account/recovery/stop/x:y:z/", "/account/recovery/prove/" + "a" * 500 + "/"]

        answers = [method(path) for path in paths for method in (client.get, client.post)]

        assert {answer.status_code for answer in answers} == {410}
        assert len({answer.content for answer in answers}) == 1

    def test_what_has_ended_before_its_mail_was_sent_has_no_link(self, asked):
        stop_recovery(asked, because=RecoveryStopped.STAFF, via=Via.ADMIN)

        mails = Mail.objects.filter(kind__in=["recovery_asked", "recovery_prove"])
        assert [make(mail) for mail in mails for make in (make_stop_link, make_prove_link)] == [None] * 4


class TestThePerson:
    def test_whoever_can_still_sign_in_is_asked_at_home_and_stops_it(self, acme, alice, asked):
        client = entered(alice, acme)
        assert f"Did you ask support to replace your address by {NEW}?" in words(client.get("/"))
        assert "Did you ask support" in words(client.get("/account/"))
        assert "Keep your address" in words(client.get("/account/recovery/"))

        client.post("/account/recovery/")

        asked.refresh_from_db()
        assert asked.stopped_because == RecoveryStopped.PERSON
        assert LifecycleEvent.objects.get(act=Act.RECOVERY_STOPPED).actor_id == alice.pk
        assert "Did you ask support" not in words(client.get("/"))

    def test_nothing_waits_for_anybody_else(self, bob, asked):
        client = signed_in(bob)
        assert client.get("/account/recovery/")["Location"] == "/account/"

        client.post("/account/recovery/")

        assert Recovery.objects.waiting().exists()

    def test_whoever_changes_the_address_themselves_stops_it(self, alice, proven):
        change_address(alice, request_address_change(alice, "mine@new.example"))

        proven.refresh_from_db()
        assert proven.stopped_because == RecoveryStopped.CHANGED
        assert carry_out() == 0
        assert address_of(alice) == "mine@new.example"


class TestStoppingByALead:
    def test_with_reason_and_ticket(self, alice, lead, asked):
        stop_recovery_by_lead(alice, actor=lead, via=Via.ADMIN, note="A mistake", ticket="T-6")

        asked.refresh_from_db()
        assert asked.stopped_because == RecoveryStopped.STAFF
        event = LifecycleEvent.objects.get(act=Act.RECOVERY_STOPPED)
        assert (event.actor_id, event.note, event.ticket) == (lead.pk, "A mistake", "T-6")

    def test_what_has_ended_is_told(self, alice, lead, asked):
        stop_recovery(asked, because=RecoveryStopped.LINK, via=Via.LINK)

        with pytest.raises(LifecycleError, match="meanwhile"):
            stop_recovery_by_lead(alice, actor=lead, via=Via.ADMIN, note="A mistake", ticket="T-6")

    def test_not_by_an_agent(self, alice, agent, asked):
        """P70"""
        with pytest.raises(LifecycleError, match="lead"):
            stop_recovery_by_lead(alice, actor=agent, via=Via.ADMIN, note="A mistake", ticket="T-6")


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_leads_ask_at_once(self, alice, lead, administrator):
        answers = at_once(
            *(
                lambda actor=actor: ask_recovery(alice.pk, email=NEW, actor=actor, **SAID)
                for actor in (lead, administrator)
            )
        )

        assert sorted(isinstance(answer, LifecycleError) for answer in answers) == [False, True]
        assert Recovery.objects.count() == 1

    @pytest.mark.parametrize("email", [NEW, None])
    def test_carried_out_twice_at_once_it_happens_once(self, alice, lead, email):
        enroll(alice)
        ask_recovery(alice.pk, email=email, actor=lead, **SAID)
        Recovery.objects.update(proven_at=timezone.now())

        assert sorted(at_once(carry_out, carry_out)) == [0, 1]
        assert LifecycleEvent.objects.filter(act=Act.RECOVERY_DONE).count() == 1

    def test_stopped_while_it_is_carried_out_it_came_too_late(self, alice, proven):
        stopped = collide(carry_out, lambda: stop_recovery(proven, because=RecoveryStopped.LINK, via=Via.LINK))

        assert stopped is False
        assert address_of(alice) == NEW

    def test_carried_out_while_it_is_stopped_nothing_happens(self, alice, proven):
        done = collide(lambda: stop_recovery(proven, because=RecoveryStopped.LINK, via=Via.LINK), carry_out)

        assert done == 0
        assert address_of(alice) == "alice@acme.example"

    def test_a_deactivation_locks_the_address_that_its_owner_has_by_then(self, acme, alice, lead, proven):
        """P45: it waits, also where nothing of the organization changes, then locks the new one."""
        Organization.objects.filter(pk=acme.pk).update(contact_email="office@acme.example")

        collide(carry_out, deactivation(acme, lead))

        assert set(acme.email_locks.values_list("address", flat=True)) == {NEW, "office@acme.example"}

    def test_a_deactivation_finds_no_token_of_theirs(self, acme, alice, lead, proven):
        """P40: it was revoked before, so whoever holds it is told no reason."""
        token = token_of(alice, acme)

        [event] = collide(carry_out, deactivation(acme, lead))

        assert event.details["tokens"] == []
        assert AccessToken.objects.get(pk=token.pk).deactivation_event_id is None

    def test_a_token_that_a_deactivation_revoked_stays_revoked_by_it(self, acme, alice, lead, proven):
        """P40: whoever holds it goes on being told the reason."""
        token = token_of(alice, acme)

        assert collide(deactivation(acme, lead), carry_out) == 1

        assert AccessToken.objects.get(pk=token.pk).deactivation_event_id is not None

    def test_a_deactivation_that_locks_the_new_address_comes_first(self, alice, charlie, lead, proven):
        """P45"""
        globex = factories.organization("Globex", owner=charlie, contact_email=NEW)

        assert collide(deactivation(globex, lead), carry_out) == 0

        proven.refresh_from_db()
        assert proven.stopped_because == RecoveryStopped.LOCKED

    def test_a_token_made_meanwhile_ends_too(self, acme, alice, proven):
        """Habit 1"""
        collide(lambda: token_of(alice, acme), carry_out)

        assert AccessToken.objects.get().revoked_at is not None

    def test_whoever_joins_an_organization_meanwhile_is_taken_up_by_the_next_run(self, acme, bob, charlie, lead):
        """Habit 1: an organization that is not held is left alone."""
        enroll(charlie)
        ask_recovery(charlie.pk, actor=lead, **SAID)

        def join():
            User.objects.hold(charlie.pk)
            Membership.objects.create(organization=acme, user=charlie)

        assert collide(join, carry_out) == 0
        assert carry_out() == 1
