import pytest

from accounts.words import ORGANIZATION_ADMIN
from tests import factories
from tests.customers import entered, with_password

pytestmark = pytest.mark.django_db(transaction=True)


def test_look(page, live_server, alice, acme, globex, lead):
    with_password(alice)
    dora = factories.member(
        acme, factories.UserFactory(email="dora@acme.example", full_name="Dora Admin"), ORGANIZATION_ADMIN
    )
    factories.control_plane(acme, nodes=3)
    factories.subscription(acme)
    factories.organization("Initech", owner=alice)
    old = factories.organization("Old one", owner=alice)
    from tests.accounts.test_deactivation import deactivate

    deactivate(old, actor=lead)
    client = entered(alice, acme)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    for path, name in (("/account/", "overview"), ("/account/delete/", "delete")):
        page.goto(live_server.url + path)
        for w in (1280, 390):
            page.set_viewport_size({"width": w, "height": 900})
            if name == "overview":
                page.evaluate("document.querySelector('details').open = true")
            page.screenshot(path=f"/tmp/{name}-{w}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="Delete my account").click()
    page.evaluate("document.querySelector('details').open = true")
    page.screenshot(path="/tmp/delete-error.png", full_page=True)
    page.context.clear_cookies()
    page.goto(live_server.url + "/account/deleted/")
    page.screenshot(path="/tmp/deleted.png", full_page=True)
