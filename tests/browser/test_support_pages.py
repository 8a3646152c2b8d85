"""Every page of the support desk that we lay out, by day on a desk and by night on a phone."""

from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.utils import timezone

from accounts.desk.pulse import count_figures
from accounts.lifecycle import deactivate_organizations
from accounts.models import CheckRun, EmailLock
from accounts.words import Reason, Tier, Via
from tests import desk, factories
from tests.browser.conftest import axe_of

pytestmark = pytest.mark.django_db(transaction=True)

DESK = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}
CHANGES_BY_NIGHT = ["color-contrast", "scrollable-region-focusable"]
PAGES = [
    "/",
    "search/?q=acme",
    "search/?q=nobody",
    "billing/geousage/",
    "licensing/license/",
    "accounts/organization/",
    "accounts/approval/",
    "accounts/emaillock/{lock}/unlock/",
    "accounts/organization/{acme}/change/",
    "accounts/organization/{acme}/timeline/",
    "accounts/organization/{acme}/usage/",
    "accounts/organization/{acme}/deactivate/",
    "accounts/organization/{acme}/begin-contract/",
    "accounts/organization/{long}/change/",
    "accounts/organization/{long}/deactivate/",
    "accounts/organization/{gone}/change/",
    "accounts/organization/{gone}/reactivate/",
    "accounts/person/{alice}/change/",
    "geos/controlplane/{control_plane}/change/",
    "accounts/checkrun/inactivity/",
    "accounts/checkrun/inactivity/ask/",
    "accounts/checkrun/inactivity/why/{acme}/",
    "accounts/checkrun/switch/",
    "accounts/checkrun/{run}/change/",
    "accounts/bulkdeactivation/",
    "accounts/bulkdeactivation/new/",
    "accounts/user/",
    "accounts/user/make/",
    "accounts/user/trail/",
    "accounts/user/{staff}/change/",
]


@pytest.fixture
def things(acme, globex, alice, lead) -> dict:
    """What the pages are about: Acme, which is busy, and Globex, which is deactivated."""
    factories.control_plane(globex, "gone")
    shop = factories.control_plane(acme, "a-control-plane-with-a-very-long-name-" * 3, nodes=2)
    deactivate_organizations([globex.pk], reason=Reason.SPAM, actor=lead, via=Via.COMMAND, ticket="T-1")
    factories.organization("Quiet", created_at=timezone.now() - timedelta(days=25))
    run = CheckRun.objects.create(at=timezone.now(), outcome=CheckRun.Outcome.WAITING)
    count_figures(at=timezone.now())
    return {
        "acme": acme.pk,
        "long": factories.organization("W" * 250).pk,
        "gone": globex.pk,
        "alice": alice.pk,
        "control_plane": shop.pk,
        "lock": EmailLock.objects.get().pk,
        "run": run.pk,
    }


@pytest.mark.slow
def test_every_page_of_the_desk_pleases_axe_and_fits_a_phone(page, live_server, complaints, things):
    administrator = factories.staff(Tier.ADMINISTRATOR)
    session = desk.signed_in(administrator).cookies[configured.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": configured.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    faults = []

    for path in PAGES:
        name = path.format(**things, staff=administrator.pk)
        page.set_viewport_size(DESK)
        assert page.goto(f"{live_server.url}/admin/{name.lstrip('/')}").status == 200, name
        faults += [f"by day {name}: {fault}" for fault in axe_of(page, within="#main")]
        page.evaluate("document.documentElement.classList.add('dark')")
        page.set_viewport_size(PHONE)
        faults += [f"by night {name}: {fault}" for fault in axe_of(page, within="#main", runOnly=CHANGES_BY_NIGHT)]
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            faults.append(f"over the edge {name}")

    assert faults == []
    assert complaints == []
