"""P70: administrators make staff, change tiers and end staff; the last administrator stays."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.models import LifecycleEvent, StaffLookup, User
from accounts.services.trail import forget_lookups
from accounts.staffing import NotStaff, change_tier, end_staff, make_staff
from accounts.words import Act, State, Tier, Via
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.tasks import send_mail
from tests import factories
from tests.customers import read
from tests.desk import enroll, signed_in
from tests.races import at_once

MAKE, TRAIL = "/admin/accounts/user/make/", "/admin/accounts/user/trail/"
SAID = {"via": Via.ADMIN, "note": "New in the team", "ticket": "T-1"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def colleague(db):
    return factories.staff(Tier.LEAD, email="colleague@portal.example", full_name="Cora Colleague")


def words(answer):
    return " ".join(answer.content.decode().split())


def act(client, name, person, **answers):
    """Read the page of the act and answer it."""
    page = reverse(f"admin:accounts_user_{name}", args=[person.pk])
    digest = re.search(r'name="digest" value="(.*?)"', words(client.get(page)))
    usual = {"note": "They left", "ticket": "T-1", "name": person.email, "digest": digest[1] if digest else ""}
    return client.post(page, {**usual, **answers}, follow=True)


def now(person):
    return User.objects.get(pk=person.pk)


def test_an_administrator_makes_staff_who_choose_their_password_behind_a_mailed_link(administrator, client):
    form = {"email": "New@portal.example", "full_name": "Nils New", "tier": "agent", "note": "New", "ticket": "T-1"}
    answer = signed_in(administrator).post(MAKE, form, follow=True)

    new = User.objects.get(email="new@portal.example")
    assert "on its way to new@portal.example" in words(answer)
    assert (new.tier, new.has_usable_password()) == (Tier.AGENT, False)
    event = LifecycleEvent.objects.get(act=Act.STAFF_MADE)
    assert (event.actor_id, event.details["person"], event.details["to"]) == (administrator.pk, str(new.pk), "agent")
    assert "/admin/welcome/" not in read(Mail.objects.get().email).message
    send_mail()
    link = re.search(r"http://[^/]+(/admin/welcome/\S+)", mail.outbox[0].body)[1]
    assert client.get(link, follow=True).status_code == 200


def test_nobody_is_staff_and_customer_or_made_twice(administrator, alice, colleague):
    """P1"""
    for email, refused in ((alice.email, NotStaff), (colleague.email, LifecycleError)):
        with pytest.raises(refused):
            make_staff(email, full_name="X", tier=Tier.LEAD, actor=administrator, **SAID)

    assert not now(alice).is_staff


def test_a_new_tier_holds_from_the_next_request_on(administrator, colleague, acme):
    """The page that was open is refused, and nothing is done."""
    client = signed_in(colleague)
    page = reverse("admin:accounts_organization_deactivate", args=[acme.pk])
    form = {"digest": client.get(page).context["shown"].digest, "reason": "spam", "ticket": "T-2", "name": "Acme"}

    act(signed_in(administrator), "change-tier", colleague, tier="viewer")

    assert client.post(page, form).status_code == 403
    acme.refresh_from_db()
    assert acme.state == State.ACTIVE
    event = LifecycleEvent.objects.get()
    assert (event.act, event.details["before"], event.details["to"]) == (Act.TIER_CHANGED, "lead", "viewer")


def test_whoever_is_ended_is_out_at_once(administrator, colleague):
    enroll(colleague)
    client = signed_in(colleague)

    answer = act(signed_in(administrator), "end", colleague)

    assert "is no longer staff" in words(answer)
    assert client.get("/admin/").status_code == 302
    assert not Authenticator.objects.filter(user=colleague).exists()
    assert (now(colleague).is_active, now(colleague).tier) == (False, None)
    assert LifecycleEvent.objects.get().details["before"] == "lead"
    again = make_staff(colleague.email, full_name="Cora", tier=Tier.VIEWER, actor=administrator, **SAID)
    assert again.pk != colleague.pk


def test_a_tier_that_changed_since_it_was_shown_is_shown_again(administrator, colleague):
    """Habit 4"""
    answer = act(signed_in(administrator), "change-tier", colleague, tier="agent", digest="Viewer")

    assert "Something changed since this was shown" in words(answer)
    assert now(colleague).tier == Tier.LEAD


def test_the_last_administrator_stays(administrator, capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("create_staff", administrator.email, "--tier", "lead")

    assert ended.value.code == 1
    assert "is the last administrator" in capsys.readouterr().err
    assert now(administrator).tier == Tier.ADMINISTRATOR


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["end", "demote"])
def test_of_two_administrators_who_end_each_other_one_stays(administrator, how):
    other = factories.staff(Tier.ADMINISTRATOR)

    def on(person, actor):
        if how == "end":
            return end_staff(person, actor=actor, **SAID)
        return change_tier(person, tier=Tier.VIEWER, actor=actor, **SAID)

    came_to = at_once(lambda: on(other, administrator), lambda: on(administrator, other))

    assert sorted(type(each).__name__ for each in came_to) == ["LifecycleEvent", "LifecycleError"][::-1]
    assert User.objects.filter(groups__name=Tier.ADMINISTRATOR, is_active=True).count() == 1


def test_the_command_line_leaves_an_event_too(colleague):
    call_command("create_staff", colleague.email, "--tier", "agent")
    call_command("create_staff", "first@portal.example", "--tier", "administrator")

    assert [(e.act, e.via, e.actor_id) for e in LifecycleEvent.objects.order_by("at")] == [
        (Act.TIER_CHANGED, Via.COMMAND, None),
        (Act.STAFF_MADE, Via.COMMAND, None),
    ]


# Their own trail


def test_who_looked_up_whom_is_kept_by_ids_and_once_in_five_minutes(acme, alice, lead):
    client = signed_in(lead)
    for _ in range(2):
        client.get(reverse("admin:accounts_organization_change", args=[acme.pk]))
        client.get(reverse("admin:accounts_person_change", args=[alice.pk]))
        client.get(reverse("admin:accounts_organization_changelist"), {"q": "alice@acme.example"})
    client.get(reverse("admin:accounts_organization_changelist"))
    client.get(reverse("admin:accounts_emaillock_changelist"), {"q": "alice@acme.example"})

    kept = StaffLookup.objects.values_list("staff_id", "what", "target_id")
    assert sorted(kept, key=str) == sorted(
        [
            (lead.pk, "organization", acme.pk),
            (lead.pk, "person", alice.pk),
            (lead.pk, "organization_search", None),
            (lead.pk, "search", None),
        ],
        key=str,
    )


def test_an_administrator_reads_what_each_did_and_looked_up(
    acme, alice, lead, agent, administrator, django_assert_max_num_queries
):
    for who, page in ((lead, ("organization", acme)), (agent, ("person", alice))):
        signed_in(who).get(reverse(f"admin:accounts_{page[0]}_change", args=[page[1].pk]))
    change_tier(agent, tier=Tier.VIEWER, actor=administrator, **SAID)
    client = signed_in(administrator)

    everybody = words(client.get(TRAIL))
    of_lead = words(client.get(reverse("admin:accounts_user_change", args=[lead.pk])))

    assert ("Acme" in everybody, "Alice Owner" in everybody, "Tier of staff changed" in everybody) == (True,) * 3
    assert ("Acme" in of_lead, "Alice Owner" in of_lead) == (True, False)
    for n in range(40):
        StaffLookup.objects.create(staff_id=lead.pk, what="organization", target_id=acme.pk, slot=n)
    with django_assert_max_num_queries(20):
        page = words(client.get(TRAIL))
    older = re.search(r'href="(\?looks=[^"]+)"', page)[1]
    assert "Earlier looks" not in words(client.get(TRAIL + older))


@pytest.mark.parametrize("tier", ["viewer", "agent", "lead"])
def test_only_administrators_read_the_trail(request, tier):
    client = signed_in(request.getfixturevalue(tier))

    assert client.get(TRAIL).status_code == 403
    assert client.get(MAKE).status_code == 403


def test_looks_are_forgotten_after_a_year(lead, settings):
    StaffLookup.objects.create(staff_id=lead.pk, what="organization_search", slot=1)

    assert forget_lookups(at=timezone.now()) == 0
    assert forget_lookups(at=timezone.now() + timedelta(days=365)) == 1
