"""A real browser on a real server: how it is started, how staff sign in with it, and what axe says of a page."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.desk import SECRET, enroll, totp_code
from tests.factories import PASSWORD

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SERIOUS = ("serious", "critical")


def axe_of(page: Page, *, within: str = "html", **options) -> list[str]:
    """What axe finds serious or worse on the page as it stands, or in a part of it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    run = "async ([within, options]) => (await axe.run(within, options)).violations"
    options["resultTypes"] = ["violations"]  # the rest is long to hand over
    return [
        f"{each['id']}: {[node['html'] for node in each['nodes']]}"
        for each in page.evaluate(run, [within, options])
        if each["impact"] in SERIOUS
    ]


@pytest.fixture(scope="session", autouse=True)
def _orm_beside_the_browser() -> Iterator[None]:
    """Playwright runs an event loop in this thread, in which Django would refuse every query of the test itself."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    installed = {"executable_path": str(CHROMIUM)} if CHROMIUM.exists() else {}
    return {**browser_type_launch_args, **installed, "args": FLAGS}


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser complains of on its console, a blocked script or style among it."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.fixture
def sign_in(page: Page, live_server) -> Callable[..., None]:
    """Sign a member of staff in by hand: password, then the code of the authenticator."""

    def sign_in(user) -> None:
        enroll(user)
        page.goto(f"{live_server.url}/admin/")
        page.get_by_label("E-mail address").fill(user.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_label("Code").fill(totp_code(SECRET, for_seconds=8))
        page.keyboard.press("Enter")
        expect(page.get_by_label("Find an organization")).to_be_visible()

    return sign_in


@pytest.fixture
def serious(page: Page) -> Callable[[], list[str]]:
    """What axe finds serious or worse on the page, loaded again in light and in dark."""

    def serious() -> list[str]:
        found = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.reload()
            page.locator("html.dark" if scheme == "dark" else "html:not(.dark)").wait_for()
            found += [f"{scheme} {page.url} {fault}" for fault in axe_of(page)]
        return found

    return serious
