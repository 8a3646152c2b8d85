"""P70 to P73: who may act, what is shown before, what is asked for, and what has happened afterwards."""

import re
from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.lifecycle import deactivate_organizations, reactivate_organization, unlock_email
from accounts.models import EmailLock, LifecycleEvent, TeamMembership
from accounts.services.locks import unlocked_at
from accounts.words import Act, Reason, State, Via
from billing.models import Plan, TrialClaim
from geos.models import ControlPlane
from konnect_portal.foundation.addresses import address_hash
from tests import factories
from tests.desk import signed_in

TIERS = ("viewer", "agent", "lead", "administrator")
pytestmark = pytest.mark.django_db


def by_tier(*answers):
    return list(zip(TIERS, answers, strict=True))


def case_of(organization):
    return reverse("admin:accounts_organization_change", args=[organization.pk])


def page_of(act, organization):
    return reverse(f"admin:accounts_organization_{act}", args=[organization.pk])


def unlock_page(lock):
    return reverse("admin:accounts_emaillock_unlock", args=[lock.pk])


def confirm(client, url, **answers):
    """Read the preview and answer all its questions; `answers` replace the usual ones."""
    page = client.get(url)
    digest = re.search(r'name="digest" value="(.*?)"', page.content.decode())[1]
    form = page.context["form"]
    usual = {
        "digest": digest,
        "reason": Reason.SUPPORT_REQUEST,
        "take_down": "later",
        "note": "They wrote",
        "ticket": "T-1",
        "proof": list(dict(form.fields["proof"].choices))[-1] if "proof" in form.fields else "",
        "name": form.expected_name,
    }
    return client.post(url, {**usual, **answers})


def deactivate(organization, actor):
    later = timezone.now() + timedelta(hours=73)
    deactivate_organizations(
        [organization.pk], reason=Reason.SPAM, actor=actor, via=Via.COMMAND, ticket="T-0", take_down_at=later
    )
    organization.refresh_from_db()


def begins_at() -> datetime:
    """When taking down the one control plane begins."""
    begins_at = ControlPlane.objects.get().begins_at
    assert begins_at is not None
    return begins_at


def said(answer):
    return " ".join(answer.content.decode().split())


# Who may


@pytest.mark.parametrize(("tier", "status"), by_tier(403, 200, 200, 200))
def test_who_may_deactivate_a_free_organization(request, acme, tier, status):
    client = signed_in(request.getfixturevalue(tier))

    assert client.get(page_of("deactivate", acme)).status_code == status
    assert (page_of("deactivate", acme) in said(client.get(case_of(acme)))) == (status == 200)


@pytest.mark.parametrize(("tier", "status"), by_tier(403, 403, 200, 200))
def test_who_may_deactivate_a_paying_organization(request, acme, tier, status):
    factories.subscription(acme, Plan.PLUS)
    client = signed_in(request.getfixturevalue(tier))

    assert client.get(page_of("deactivate", acme)).status_code == status
    assert (page_of("deactivate", acme) in said(client.get(case_of(acme)))) == (status == 200)


@pytest.mark.parametrize(("tier", "status"), by_tier(403, 403, 200, 200))
def test_who_may_reactivate_what_a_lead_deactivated(request, acme, lead, tier, status):
    deactivate(acme, lead)
    client = signed_in(request.getfixturevalue(tier))

    assert client.get(page_of("reactivate", acme)).status_code == status
    assert (page_of("reactivate", acme) in said(client.get(case_of(acme)))) == (status == 200)


def test_an_agent_may_reactivate_what_an_agent_has_just_deactivated(acme, agent):
    deactivate(acme, agent)

    assert signed_in(agent).get(page_of("reactivate", acme)).status_code == 200


@pytest.mark.parametrize(("tier", "status"), by_tier(403, 403, 200, 200))
def test_who_may_have_control_planes_taken_down_now(request, acme, lead, tier, status):
    factories.control_plane(acme)
    deactivate(acme, lead)
    client = signed_in(request.getfixturevalue(tier))

    assert client.get(page_of("take-down", acme)).status_code == status
    assert (page_of("take-down", acme) in said(client.get(case_of(acme)))) == (status == 200)


@pytest.mark.parametrize(("tier", "status"), by_tier(403, 200, 200, 200))
def test_who_may_unlock_an_address(request, acme, lead, tier, status):
    deactivate(acme, lead)
    page = unlock_page(EmailLock.objects.get(organization=acme))
    client = signed_in(request.getfixturevalue(tier))

    assert client.get(page).status_code == status
    assert (page in said(client.get(case_of(acme)))) == (status == 200)
    assert (page in said(client.get(reverse("admin:accounts_emaillock_changelist")))) == (status == 200)


@pytest.mark.parametrize("tier", TIERS)
def test_posting_what_one_may_not_changes_nothing(request, acme, tier):
    factories.subscription(acme, Plan.ENTERPRISE)
    client = signed_in(request.getfixturevalue(tier))

    client.post(page_of("deactivate", acme), {"reason": "spam", "ticket": "T-1", "name": "Acme", "digest": ""})

    acme.refresh_from_db()
    assert acme.state == State.ACTIVE
    assert not LifecycleEvent.objects.exists()


def test_a_refusal_says_so_under_the_strict_content_policy(acme, viewer):
    answer = signed_in(viewer).get(page_of("deactivate", acme))

    assert "needs a right that your account does not have" in said(answer)
    assert "unsafe" not in answer["Content-Security-Policy"]


# Deactivating


def test_the_preview_names_what_will_change_and_what_will_not(acme, globex, alice, lead):
    """P71"""
    factories.control_plane(acme, "shop", geo="eu", nodes=3)
    factories.control_plane(acme, "mesh", kind="mesh_global", zones=2)

    page = said(signed_in(lead).get(page_of("deactivate", acme)))

    for words in (
        "Stop configuration for 2 control planes in 2 geos",
        "shop (eu)",
        "Remove 2 people from 2 teams",
        "Lock 1 e-mail address",
        "alice@acme.example (used in 1 other organization, which goes on)",
        "Let 3 licenses lapse",
        "Stop 3 nodes and 2 zones: they run on",
    ):
        assert words in page


def test_deactivating_leaves_one_event_with_all_that_was_said(acme, lead):
    """P47, P73"""
    factories.control_plane(acme)
    factories.support_request(acme, wish="deactivate")
    answer = confirm(signed_in(lead), page_of("deactivate", acme), proof="session")

    assert answer["Location"] == case_of(acme)
    acme.refresh_from_db()
    assert acme.state == State.INACTIVE
    [event] = LifecycleEvent.objects.all()
    assert (event.act, event.reason, event.via, event.actor_id) == (
        Act.DEACTIVATED,
        Reason.SUPPORT_REQUEST,
        Via.ADMIN,
        lead.pk,
    )
    assert (event.note, event.ticket, event.proof) == ("They wrote", "T-1", "session")
    assert event.remote_address == "127.0.0.1"


def test_behind_a_proxy_the_event_names_the_address_that_the_proxy_saw(acme, lead, settings):
    """P47"""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    client = signed_in(lead)
    client.defaults["HTTP_X_FORWARDED_FOR"] = "203.0.113.9, 198.51.100.7"
    confirm(client, page_of("deactivate", acme))

    assert LifecycleEvent.objects.get().remote_address == "198.51.100.7"


def test_the_case_page_tells_the_result_and_refreshes_what_is_still_under_way(acme, lead):
    factories.control_plane(acme, "shop")
    client = signed_in(lead)
    confirm(client, page_of("deactivate", acme))

    page = said(client.get(case_of(acme)))

    assert "Acme is deactivated." in page
    assert "0 of 1 control planes taken down" in page
    [fragment] = re.findall(r'data-refresh="(.*?)"', page)
    assert "Being taken down" in said(client.get(fragment))
    ControlPlane.objects.update(
        state="decommissioned", decommissioned_at=timezone.now(), next_attempt_at=None, begun_at=timezone.now()
    )
    assert "data-refresh" not in said(client.get(fragment))


@pytest.mark.parametrize(("choice", "hours"), [("now", 0), ("later", 72)])
def test_a_lead_chooses_when_control_planes_are_taken_down(acme, lead, choice, hours):
    """P42"""
    factories.control_plane(acme)
    confirm(signed_in(lead), page_of("deactivate", acme), take_down=choice)

    assert abs(begins_at() - timezone.now() - timedelta(hours=hours)) < timedelta(minutes=1)


def test_an_agents_take_down_waits_whatever_is_posted(acme, agent):
    """P42"""
    factories.control_plane(acme)
    client = signed_in(agent)
    assert "take_down" not in client.get(page_of("deactivate", acme)).context["form"].fields

    confirm(client, page_of("deactivate", acme), take_down="now", reason="fraud")

    assert begins_at() > timezone.now() + timedelta(hours=71)


@pytest.mark.parametrize(
    ("missing", "word"),
    [
        ({"name": "Acm"}, "This is not"),
        ({"name": "acme"}, "This is not"),
        ({"ticket": "  "}, "required"),
        ({"reason": "boredom"}, "valid choice"),
        ({"reason": ""}, "required"),
        ({"proof": ""}, "how it was shown"),
        ({"proof": "lead_word", "note": ""}, "name the lead"),
    ],
)
def test_nothing_happens_until_every_question_is_answered(acme, lead, missing, word):
    """P71, P73"""
    answer = confirm(signed_in(lead), page_of("deactivate", acme), **missing)

    assert answer.status_code == 200
    assert word in said(answer)
    acme.refresh_from_db()
    assert acme.state == State.ACTIVE


def test_the_name_is_typed_exactly_but_for_spaces_around_it(acme, lead):
    confirm(signed_in(lead), page_of("deactivate", acme), name="  Acme ")

    acme.refresh_from_db()
    assert acme.state == State.INACTIVE


def test_a_name_with_spaces_that_no_page_shows_can_be_typed(acme, lead):
    """P71: a page shows two spaces or a line break as one space."""
    acme.name = "Acme  Tools\nLtd"
    acme.save()
    confirm(signed_in(lead), page_of("deactivate", acme), name="Acme Tools Ltd")
    acme.refresh_from_db()
    assert acme.state == State.INACTIVE


def test_an_empty_post_changes_nothing_and_shows_the_questions(acme, lead):
    assert signed_in(lead).post(page_of("deactivate", acme)).status_code == 200
    acme.refresh_from_db()
    assert acme.state == State.ACTIVE


def test_spam_needs_no_request_and_keeps_no_proof(acme, lead):
    """P73"""
    factories.support_request(acme, wish="deactivate")
    confirm(signed_in(lead), page_of("deactivate", acme), reason="spam", proof="session")

    assert LifecycleEvent.objects.get().proof == ""


def test_what_changed_since_the_preview_is_shown_again_and_nothing_is_done(acme, lead):
    """Habit 4, P71"""
    client = signed_in(lead)
    digest = client.get(page_of("deactivate", acme)).context["shown"].digest
    factories.control_plane(acme, "born-meanwhile")

    answer = confirm(client, page_of("deactivate", acme), digest=digest)

    assert "Something changed since this was shown" in said(answer)
    assert "born-meanwhile" in said(answer)
    acme.refresh_from_db()
    assert acme.state == State.ACTIVE
    assert answer.context["shown"].digest != digest


def test_the_second_of_two_is_told(acme, lead, agent):
    """P49"""
    client = signed_in(lead)
    first = client.get(page_of("deactivate", acme))
    deactivate(acme, agent)

    answer = client.post(page_of("deactivate", acme), {"digest": first.context["shown"].digest}, follow=True)

    assert "Acme is deactivated: nothing was changed" in said(answer)
    assert LifecycleEvent.objects.count() == 1


# Reactivating


def test_reactivating_brings_people_back_where_ticked(acme, lead):
    """P52"""
    deactivate(acme, lead)

    confirm(signed_in(lead), page_of("reactivate", acme), restore_people="on")

    acme.refresh_from_db()
    assert acme.state == State.ACTIVE
    assert TeamMembership.objects.filter(organization=acme).count() == 2


def test_the_preview_of_a_reactivation_says_what_comes_back_and_what_is_gone(acme, lead):
    """P51, P52"""
    factories.control_plane(acme, "stays")
    gone = factories.control_plane(acme, "goes")
    deactivate(acme, lead)
    ControlPlane.objects.filter(pk=gone.pk).update(begun_at=timezone.now())

    page = said(signed_in(lead).get(page_of("reactivate", acme)))

    back, tick, lost = re.findall(r"<section.*?</section>", page)[-3:]
    assert "stays (us)" in back
    assert "goes (us)" in lost
    assert "2 people: 2 team places" in tick


def test_what_is_on_hold_is_not_reactivated_and_the_page_says_why(acme, lead):
    """P58"""
    deactivate(acme, lead)
    acme.hold_until, acme.hold_reason, acme.hold_ticket = timezone.now() + timedelta(days=3), "Court order", "T-9"
    acme.save()
    client = signed_in(lead)

    assert "Court order" in said(client.get(page_of("reactivate", acme), follow=True))
    assert page_of("reactivate", acme) not in said(client.get(case_of(acme)))


# Taking down now, unlocking


def test_control_planes_are_taken_down_now(acme, lead):
    """P42"""
    factories.control_plane(acme)
    deactivate(acme, lead)

    confirm(signed_in(lead), page_of("take-down", acme))

    assert begins_at() <= timezone.now()
    assert LifecycleEvent.objects.filter(act=Act.TAKE_DOWN_HASTENED, organization_id=acme.pk).count() == 1


def test_a_take_down_that_changed_since_the_preview_is_shown_again(acme, lead):
    """Habit 4"""
    factories.control_plane(acme)
    deactivate(acme, lead)

    answer = confirm(signed_in(lead), page_of("take-down", acme), digest="another")

    assert "Something changed" in said(answer)
    assert begins_at() > timezone.now()


def test_unlocking_releases_every_lock_and_leaves_the_organization_deactivated(acme, lead, agent):
    """P54"""
    deactivate(acme, lead)
    factories.support_request(acme, wish="unlock")
    lock = EmailLock.objects.get(organization=acme)

    answer = confirm(signed_in(agent), unlock_page(lock))

    assert answer["Location"] == case_of(acme)
    assert not EmailLock.objects.live().exists()
    acme.refresh_from_db()
    assert acme.state == State.INACTIVE
    assert "E-mail address unlocked" in said(signed_in(agent).get(case_of(acme)))


def test_unlocking_asks_for_the_address(acme, lead):
    deactivate(acme, lead)

    confirm(signed_in(lead), unlock_page(EmailLock.objects.get(organization=acme)), name="bob@acme.example")

    assert EmailLock.objects.live().exists()


def test_a_second_unlock_within_a_year_needs_a_lead_and_the_page_says_so(acme, alice, lead, agent):
    """P54: the first one stands on the screen with the trial; a reactivation released no lock by hand."""
    TrialClaim.objects.create(
        address_hash=address_hash(alice.email), person_id=alice.pk, organization_id=acme.pk, claimed_at=timezone.now()
    )
    factories.support_request(acme, wish="unlock")
    for actor in (agent, lead):
        deactivate(acme, lead)
        lock = EmailLock.objects.live().get(organization=acme)
        page = said(signed_in(agent).get(unlock_page(lock), follow=True))
        assert ("A second time within a year needs a lead" in page) == (actor == lead)
        person, locks = (
            reverse("admin:accounts_person_change", args=[alice.pk]),
            reverse("admin:accounts_emaillock_changelist"),
        )
        for place in (case_of(acme), person, locks):
            assert (unlock_page(lock) in said(signed_in(agent).get(place))) == (actor == agent)
            assert unlock_page(lock) in said(signed_in(lead).get(place))
        shown = said(signed_in(lead).get(unlock_page(lock)))
        assert ("It was not unlocked within a year" in shown) == (actor == agent)
        assert "It had its trial on" in shown
        if actor == agent:
            confirm(signed_in(agent), unlock_page(lock))
            reactivate_organization(acme.pk, actor=lead, via=Via.ADMIN, note="Back", ticket="T-1")
    with pytest.raises(LifecycleError, match="needs a lead"):
        unlock_email(alice.email, actor=agent, via=Via.COMMAND, note="Again", ticket="T-2")
    confirm(signed_in(lead), unlock_page(lock))

    assert not EmailLock.objects.live().exists()
    year_on = timezone.now() + timedelta(days=366)
    assert unlocked_at(lock.address_hash, at=year_on) is None
