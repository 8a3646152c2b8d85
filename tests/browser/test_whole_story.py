"""The whole way once, as a lead walks it: browser, web server, worker, database and token all real."""

import json
import urllib.error
import urllib.request
from collections.abc import Generator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import LifecycleEvent
from accounts.services.locks import is_locked
from accounts.services.tokens import create_token
from konnect_portal.celery import app
from konnect_portal.foundation.hints import Silence
from tests import factories
from tests.workers import Worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(django_db_setup, tmp_path, monkeypatch) -> Generator[Worker]:
    app.control.purge()
    monkeypatch.setattr(Silence, "until", 0)
    worker = Worker(tmp_path / "story.log")
    yield worker
    worker.stop()


def answer_to(token: str, live_server) -> tuple[int, dict]:
    """Status and body that the API answers to this token."""
    request = urllib.request.Request(
        f"{live_server.url}/v3/organizations/me", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def confirm(page, name, **fields):
    """Fill in what every act asks for, and press its button."""
    for label, text in {"Why": "They asked on the phone", "Ticket": "T-77", **fields}.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("How identity was shown").select_option(label="A lead's word, see the note")
    page.get_by_label(f"Type “{name}” to confirm").fill(name)


def test_a_lead_deactivates_watches_unlocks_and_brings_back(
    page, sign_in, live_server, worker, acme, globex, bob, lead
):
    """P40, P42, P44, P50, P52, P54, P71"""
    for geo, kind in (("us", "gateway"), ("eu", "kic"), ("au", "mesh_global")):
        factories.control_plane(acme, f"{geo}-plane", geo, kind, nodes=2)
    untouched = factories.control_plane(globex, geo="eu")
    week = timezone.now() + timedelta(days=7)
    _, secret = create_token(acme.pk, name="ci", user=bob, expires_at=week)
    assert answer_to(secret, live_server)[0] == 200

    sign_in(lead)
    page.get_by_label("Find an organization").fill("cme")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Deactivate Acme").click()
    expect(page.get_by_text("Stop configuration for 3 control planes in 3 geos")).to_be_visible()
    page.get_by_label("Reason").select_option(label="Asked for by the customer")
    confirm(page, "Acme")
    page.get_by_role("button", name="Deactivate Acme").click()

    expect(page.get_by_text("Acme is deactivated.")).to_be_visible()
    status, problem = answer_to(secret, live_server)
    assert status == 403
    assert "someone responsible for it asked support to" in problem["detail"]
    # The page is not loaded again: what the workers do appears by itself.
    expect(page.get_by_text("Taken down", exact=True)).to_have_count(3, timeout=20_000)

    page.get_by_role("link", name="Unlock").first.click()
    confirm(page, "alice@acme.example")
    page.get_by_role("button", name="Unlock alice@acme.example").click()
    expect(page.get_by_text("alice@acme.example is unlocked")).to_be_visible()
    assert not is_locked("alice@acme.example")

    page.goto(f"{live_server.url}/admin/accounts/organization/{acme.pk}/change/")
    page.get_by_role("link", name="Reactivate Acme").click()
    page.get_by_label("Put people back").check()
    confirm(page, "Acme")
    page.get_by_role("button", name="Reactivate Acme").click()

    expect(page.get_by_text("Acme is active again, on Free.")).to_be_visible()
    acme.refresh_from_db()
    assert acme.state == "active"
    assert [row.team.name for row in bob.team_memberships.select_related("team")] == ["Analytics Viewer"]
    assert answer_to(secret, live_server)[0] == 401
    assert set(acme.control_planes.values_list("state", flat=True)) == {"decommissioned"}
    untouched.refresh_from_db()
    assert untouched.state == "active"
    acts = LifecycleEvent.objects.order_by("at").values_list("act", flat=True)
    assert list(acts) == ["token_created", "deactivated", "email_unlocked", "reactivated"]
