"""Every act of support by everybody, against what_tiers_allow.txt (P70): through its service, and by its page.

Nobody is a customer, the owner of what it is about, at staff's doors. `-` there is nothing to try.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import checks
from accounts.closing import reopen_account
from accounts.errors import LifecycleError
from accounts.lifecycle import deactivate_organizations, hasten_take_down, reactivate_organization, unlock_email
from accounts.models import Approval, CheckRun, EmailLock, LifecycleEvent
from accounts.owner_invitations import invite_owner, revoke_owner_invitation
from accounts.second_lead import ask_to_deactivate, confirm_deactivation
from accounts.services.approvals import decline
from accounts.services.exemptions import end_exemption, exempt
from accounts.services.ownership import transfer_ownership
from accounts.services.recovery import ask_recovery, stop_recovery_by_lead
from accounts.services.requests import ask_contact
from accounts.staffing import change_tier, end_staff, make_staff, reset_second_factor
from accounts.words import Reason, Tier, Via, Wish
from billing.models import Plan
from tests import factories
from tests.desk import enroll, signed_in

pytestmark = pytest.mark.django_db

TABLE = Path(__file__).with_name("what_tiers_allow.txt").read_text()
WHO, *LINES = TABLE.splitlines()
ROWS = {line[:50].strip(): dict(zip(WHO.split(), line[50:].split(), strict=True)) for line in LINES}
STAFF = [tier.value for tier in Tier]
SAID: dict[str, Any] = {"via": Via.ADMIN, "ticket": "T-1", "note": "They wrote"}
PROVEN = {**SAID, "proof": "session"}
BUTTON = re.compile(r'class="desk-button[^"]*-(danger|primary)')


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """Made once, since every try is undone."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


class World:
    """One thing for each act, and for each how it is done and where its page is."""

    def __init__(self) -> None:
        now = timezone.now()
        self.lead = factories.staff(Tier.LEAD)
        self.staff = {tier.value: factories.staff(tier) for tier in Tier}
        for user in self.staff.values():
            RecoveryCodes.activate(user)
        self.free = factories.organization("Free")
        self.trial = factories.organization("Trial", plan="trial")
        self.plus = factories.organization("Plus", plan=Plan.PLUS)
        self.enterprise = factories.organization("Enterprise", plan=Plan.ENTERPRISE)
        self.unseen = factories.organization(
            "Unseen", owner=factories.UserFactory(created_at=now - timedelta(days=100))
        )
        self.heir = factories.member(self.unseen, None, "Organization Admin")
        self.left, self.invited = (factories.left_organization(name, at=now) for name in ("Left", "Invited"))
        said = SAID | {"proof": "lead_word"}
        invite_owner(self.invited.pk, email="heir@x.example", actor=self.lead, **said)
        self.marked = factories.organization("Marked")
        exempt(self.marked.pk, actor=self.lead, **SAID)
        self.by_agent = self.shut("By an agent", self.staff["agent"])
        self.long_ago = self.shut("Long ago", self.lead)
        self.long_ago.deactivation_event_id = self.event(now - timedelta(hours=96)).pk
        self.long_ago.save()
        self.by_lead = self.shut("By a lead", self.lead)
        self.again = self.unlocked_before()
        for made in (self.by_agent, self.long_ago, self.by_lead, self.again):
            for wish in (Wish.REACTIVATE, Wish.UNLOCK):
                factories.support_request(made, wish=wish)
        self.asked = self.ask(factories.organization("Asked", plan=Plan.ENTERPRISE), self.lead)
        self.own = {
            tier: self.ask(factories.organization("Own", plan=Plan.ENTERPRISE), self.staff[tier])
            for tier in (Tier.LEAD, Tier.ADMINISTRATOR)
        }
        self.person, self.enrolled, self.lost = (factories.UserFactory() for _ in range(3))
        RecoveryCodes.activate(self.enrolled)
        ask_recovery(self.lost.pk, actor=self.lead, email="found@x.example", **PROVEN)
        self.closed = factories.UserFactory(is_active=False, closed_at=now)
        self.colleague = factories.staff(Tier.AGENT)
        enroll(self.colleague)
        factories.staff(Tier.ADMINISTRATOR)
        self.run = CheckRun.objects.create(at=now, outcome=CheckRun.Outcome.WAITING)
        self.clients = {user.pk: signed_in(user) for user in (*self.staff.values(), self.free.owner)}

    def shut(self, name, actor):
        made = factories.organization(name)
        factories.control_plane(made)
        later = timezone.now() + timedelta(hours=73)
        deactivate_organizations([made.pk], reason=Reason.SPAM, actor=actor, take_down_at=later, **SAID)
        made.refresh_from_db()
        return made

    def event(self, at):
        """An agent's deactivation at that moment."""
        return LifecycleEvent.objects.create(
            organization_id=self.long_ago.pk,
            act="deactivated",
            reason=Reason.SPAM,
            via=Via.ADMIN,
            at=at,
            details={"actor_tier": Tier.AGENT},
        )

    def unlocked_before(self):
        """An organization whose address is locked again after it was unlocked."""
        made = self.shut("Again", self.lead)
        unlock_email(made.owner.email, actor=self.lead, **SAID)
        reactivate_organization(made.pk, actor=self.lead, **SAID)
        deactivate_organizations([made.pk], reason=Reason.SPAM, actor=self.lead, **SAID)
        return made

    @staticmethod
    def ask(organization, actor):
        return ask_to_deactivate(organization.pk, reason=Reason.FRAUD, actor=actor, show=lambda _: [], **SAID)

    def actor(self, who, row):
        if who != "nobody":
            return self.staff[who]
        return {"name another owner": self.unseen, "unlock an address": self.by_lead}.get(row, self.free).owner

    def tries(self, actor) -> dict[str, tuple[Callable[[], Any], str]]:
        """For each row how `actor` does it, and its page."""
        o = {"actor": actor}
        return {
            "deactivate a Free organization": self.deactivation(self.free, actor),
            "deactivate an organization on trial": self.deactivation(self.trial, actor),
            "deactivate a Plus organization": self.deactivation(self.plus, actor),
            "ask to deactivate an Enterprise organization": (
                lambda: self.ask(self.enterprise, actor),
                of("organization", "deactivate", self.enterprise),
            ),
            "confirm what a colleague asked for": self.confirmation(self.asked, actor),
            "confirm what one asked for oneself": self.confirmation(self.own.get(actor.tier, self.asked), actor),
            "decline what a colleague asked for": (
                lambda: decline(self.asked.pk, via=Via.ADMIN, note="No", **o),
                of("approval", "change", self.asked),
            ),
            "reactivate what an agent deactivated lately": self.reactivation(self.by_agent, actor),
            "reactivate what an agent deactivated 4 days ago": self.reactivation(self.long_ago, actor),
            "reactivate what a lead deactivated": self.reactivation(self.by_lead, actor),
            "unlock an address": self.unlocking(self.by_lead, actor),
            "unlock an address a second time": self.unlocking(self.again, actor),
            "take control planes down now": (
                lambda: hasten_take_down(self.by_lead.pk, **SAID, **o),
                of("organization", "take-down", self.by_lead),
            ),
            "invite an owner": (
                lambda: invite_owner(self.left.pk, email="heir@x.example", **PROVEN | {"proof": "lead_word"}, **o),
                of("organization", "invite-owner", self.left),
            ),
            "revoke the invitation of an owner": (
                lambda: revoke_owner_invitation(self.invited.pk, **SAID, **o),
                of("organization", "revoke-owner-invitation", self.invited),
            ),
            "name another owner": (
                lambda: transfer_ownership(self.unseen.pk, to=self.heir.pk, **PROVEN, **o),
                of("organization", "name-owner", self.unseen),
            ),
            'mark "never deactivate"': (
                lambda: exempt(self.free.pk, **SAID, **o),
                of("organization", "exempt", self.free),
            ),
            'end "never deactivate"': (
                lambda: end_exemption(self.marked.pk, **SAID, **o),
                of("organization", "end-exemption", self.marked),
            ),
            "ask the contact to confirm": (
                lambda: ask_contact(self.free.pk, wish=Wish.DEACTIVATE, text="", **SAID, **o),
                of("organization", "ask-contact", self.free),
            ),
            "replace a customer's address": (
                lambda: ask_recovery(self.person.pk, email="new@x.example", **PROVEN, **o),
                of("person", "replace-address", self.person),
            ),
            "take away a customer's second factor": (
                lambda: ask_recovery(self.enrolled.pk, **PROVEN, **o),
                of("person", "remove-second-factor", self.enrolled),
            ),
            "stop a replacement": (
                lambda: stop_recovery_by_lead(self.lost, **SAID, **o),
                of("person", "stop-replacement", self.lost),
            ),
            "reopen an account": (
                lambda: reopen_account(self.closed.pk, **PROVEN, **o),
                of("person", "reopen", self.closed),
            ),
            "approve a list of the check": (
                lambda: checks.approve(self.run, reason="Read", digest=checks.list_digest(self.run), **o),
                of("checkrun", "change", self.run),
            ),
            "pause the check": (lambda: checks.pause(reason="Late", **o), reverse("admin:accounts_checkrun_switch")),
            "make a colleague": (
                lambda: make_staff("new@portal.example", full_name="New", tier=Tier.LEAD, **SAID, **o),
                reverse("admin:accounts_user_make"),
            ),
            **self.of_staff("a colleague", self.colleague, actor),
            **self.of_staff("one", actor, actor),
        }

    def of_staff(self, whose, person, actor):
        end = "end oneself" if person is actor else "end a colleague"
        possessive = "one's own" if person is actor else f"{whose}'s"
        return {
            f"change {possessive} tier": (
                lambda: change_tier(person, tier=Tier.LEAD, actor=actor, **SAID),
                of("user", "change-tier", person),
            ),
            end: (lambda: end_staff(person, actor=actor, **SAID), of("user", "end", person)),
            f"reset {possessive} second factor": (
                lambda: reset_second_factor(person, actor=actor, **SAID),
                of("user", "reset-second-factor", person),
            ),
        }

    def deactivation(self, organization, actor):
        return (
            lambda: deactivate_organizations([organization.pk], reason=Reason.SPAM, actor=actor, **SAID),
            of("organization", "deactivate", organization),
        )

    @staticmethod
    def confirmation(approval: Approval, actor):
        said = {"via": Via.ADMIN, "address": None, "expected": approval.digest}
        return lambda: confirm_deactivation(approval, actor=actor, **said), of("approval", "change", approval)

    @staticmethod
    def reactivation(organization, actor):
        return (
            lambda: reactivate_organization(organization.pk, actor=actor, **PROVEN),
            of("organization", "reactivate", organization),
        )

    @staticmethod
    def unlocking(organization, actor):
        lock = EmailLock.objects.live().get(organization=organization)
        return (
            lambda: unlock_email(organization.owner.email, actor=actor, **PROVEN),
            of("emaillock", "unlock", lock),
        )


def of(model, page, thing) -> str:
    return reverse(f"admin:accounts_{model}_{page}", args=[thing.pk])


def by_service(act) -> str:
    try:
        act()
    except LifecycleError:
        return "no"
    return "yes"


def by_page(client, page) -> str:
    """Whether the page has a button for it."""
    answer = client.get(page)
    return (
        "yes"
        if answer.status_code == 200
        and re.search(r'class="desk-button[^"]*-(danger|primary)', answer.content.decode())
        else "no"
    )


@pytest.mark.parametrize("who", ROWS["deactivate a Free organization"])
@pytest.mark.parametrize("row", ROWS)
def test_everybody_may_do_what_the_table_says(world, row, who):
    said = ROWS[row][who]
    with transaction.atomic():
        actor = world.actor(who, row)
        act, page = world.tries(actor)[row]
        found = {by_page(world.clients.get(actor.pk, Client()), page), by_service(act)} if said != "-" else {"-"}
        transaction.set_rollback(True)

    assert found == {said}


def test_the_table_has_a_row_for_every_act(world):
    assert {*world.tries(world.lead)} == {*ROWS}
