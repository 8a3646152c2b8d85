"""The support desk's pages at many organizations (P72), through the real admin, asked by somebody of staff.

Each stands beside the smallest page of the same admin, beside itself at a hundredth as many organizations (both in
terms of the smallest page), and beside the same in a stock `ModelAdmin`: search by `icontains`, pages by offset,
everything counted. A case page has no such rival: the stock one would offer every person as the owner.
"""

import logging
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.template.backends.django import DjangoTemplates
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import Organization, User
from accounts.words import Tier
from billing.services import plans
from konnect_portal.benchmarks.measuring import Case, median_seconds, same
from konnect_portal.benchmarks.worlds import fill, without_indexes

ORGANIZATIONS = 1_000_000
FEWER = 100
TIMES, RIVAL_TIMES = 20, 3

# Each organization has its contact as owner, a member, a home geo and a control plane with a node. One in ten is on
# Plus, one in fifty is deactivated.
WORLD = (
    """
    INSERT INTO accounts_user (
        id, email, full_name, preferred_name, password, is_staff, is_superuser, is_active, created_at, updated_at
    )
    SELECT md5(part || n)::uuid, part || n || '@example.com', part || ' ' || n, '', '!', false, false, true, now(),
        now()
    FROM generate_series(%(first)s, %(last)s) AS n CROSS JOIN unnest('{contact,member}'::text[]) AS part
    """,
    """
    INSERT INTO accounts_membership (id, organization_id, user_id, joined_at)
    SELECT gen_random_uuid(), md5('organization' || n)::uuid, md5(part || n)::uuid, now()
    FROM generate_series(%(first)s, %(last)s) AS n CROSS JOIN unnest('{contact,member}'::text[]) AS part
    """,
    """
    INSERT INTO geos_organizationgeo (organization_id, geo_id, is_home, opened_at)
    SELECT md5('organization' || n)::uuid, 'us', true, now() FROM generate_series(%(first)s, %(last)s) AS n
    """,
    """
    INSERT INTO geos_controlplane (
        id, organization_id, geo_id, kind, name, description, labels, auth_type, proxy_urls, configuration_version,
        created_at, updated_at, state, attempts, last_error
    )
    SELECT md5('plane' || n)::uuid, md5('organization' || n)::uuid, 'us', 'gateway', 'gateway-' || n, '', '{}',
        'pinned_client_certs', '[]', 1, now() - interval '400 days', now(), 'active', 0, ''
    FROM generate_series(%(first)s, %(last)s) AS n
    """,
    """
    INSERT INTO geos_dataplanenode (id, control_plane_id, hostname, version, created_at)
    SELECT md5('node' || n)::uuid, md5('plane' || n)::uuid, 'node-' || n, '', now()
    FROM generate_series(%(first)s, %(last)s) AS n
    """,
    """
    INSERT INTO billing_subscription (
        id, organization_id, plan, is_trial, starts_at, anchor_at, contract_number, support_level, sales_contact,
        has_professional_services, created_at
    )
    SELECT gen_random_uuid(), md5('organization' || n)::uuid, 'plus', false, now() - n * interval '1 second', now(),
        '', '', '', false, now()
    FROM generate_series(%(first)s, %(last)s) AS n WHERE n %% 10 = 0
    """,
    """
    UPDATE accounts_organization SET state = 'inactive', inactive_at = NULL, deactivated_at = now(),
        deactivation_reason = 'inactivity', deactivation_event_id = gen_random_uuid(), purge_at = now()
    WHERE id IN (
        SELECT md5('organization' || n)::uuid FROM generate_series(%(first)s, %(last)s) AS n WHERE n %% 50 = 0
    )
    """,
)


@dataclass(frozen=True)
class Page:
    """What is asked of ours and of the stock admin, and what part of the smallest page's speed it must have."""

    name: str
    url: str
    stock: Mapping[str, str] | None = None
    of_smallest: float = 0.1


def run(organizations: int) -> list[Case]:
    few = max(organizations // FEWER, 1)
    with _quiet():
        client = _client()
        _grow(1, few)
        before = {page.name: _beside_smallest(client, page.url) for page in _pages(few)}
        _grow(few + 1, organizations)
        pages = _pages(organizations)
        _compare(client, pages)
        return [case for page in pages for case in _cases(client, page, few, *before[page.name])]


def _pages(organizations: int) -> list[Page]:
    """`stock` asks for the same rows."""
    rows = reverse("admin:accounts_organization_changelist")
    pages_before = organizations // 2 // StockAdmin.list_per_page
    names = Organization.objects.order_by("name", "pk").values_list("pk", flat=True)
    last = names[pages_before * StockAdmin.list_per_page - 1] if pages_before else ""
    rare, address = f"tion {organizations}", f"member{organizations}@example.com"
    return [
        Page("first page", rows, {}),
        Page("deep page", f"{rows}?p={last}", {"p": str(pages_before + 1)}),
        Page("state filter", f"{rows}?state__exact=inactive", {"state__exact": "inactive"}),
        Page("search rare", _search(rare), {"q": rare}),
        Page("search by e-mail", _search(address), {"q": address}),
        Page("search common", _search("organization"), {"q": "organization"}, of_smallest=0.04),
        Page("case page", reverse("admin:accounts_organization_change", args=[_id(organizations)])),
    ]


def _search(term: str) -> str:
    return f"{reverse('admin:search_found')}?{urlencode({'q': term})}"


def _id(number: int) -> UUID:
    """Of the organization with this number."""
    return Organization.objects.values_list("pk", flat=True).get(contact_email=f"contact{number}@example.com")


def _cases(client: Client, page: Page, few: int, before: float, smallest_before: float) -> list[Case]:
    stock = page.stock
    rival = None if stock is None else 1 / median_seconds(lambda: _stock(stock), RIVAL_TIMES)
    seconds, smallest = _beside_smallest(client, page.url)
    return [
        Case(
            page.name,
            1,
            seconds,
            floor=1 / smallest,
            rival=rival,
            least_of_floor=page.of_smallest,
            least_of_rival=10 if rival else 0,
        ),
        Case(
            f"{page.name}, beside {few:,}", 1, seconds, floor=smallest_before / smallest / before, least_of_floor=2 / 3
        ),
    ]


def _beside_smallest(client: Client, url: str) -> tuple[float, float]:
    """The median seconds of this page and of the smallest one, by turns: what else the machine does changes."""
    urls = (url, reverse("admin:search"))
    taken = [[_seconds(client, each) for each in urls] for _ in range(TIMES + 1)]
    return median(page for page, _ in taken[1:]), median(smallest for _, smallest in taken[1:])


def _seconds(client: Client, url: str) -> float:
    began = perf_counter()
    _get(client, url)
    return perf_counter() - began


def _get(client: Client, url: str) -> Any:
    response = client.get(url, secure=settings.SECURE)
    same(url, 200, response.status_code)
    return response


def _compare(client: Client, pages: list[Page]) -> None:
    for page in pages:
        if page.stock is not None:
            ours, stock = _names(_get(client, page.url)), _names(_stock(page.stock))
            same(page.name.capitalize(), stock[: len(ours)], ours)


def _names(response: Any) -> list[str]:
    """The organizations on a page, in its order."""
    context = response.context_data
    if "cl" in context:
        return [each.name for each in context["cl"].result_list]
    return [row.title for group in context["groups"] if group.title == "Organizations" for row in group.rows]


class StockAdmin(admin.ModelAdmin):
    """As it is usually written."""

    list_display = ["name", "state", "plan", "owner", "home", "last_login_at"]
    list_filter = ["state"]
    search_fields = ["name", "contact_email", "login_path", "owner__email", "memberships__user__email"]
    ordering = ["name", "id"]

    def plan(self, organization):
        return plans([organization.pk], at=organization.updated_at)[organization.pk]

    def home(self, organization):
        return organization.organization_geos.filter(is_home=True).first()


STOCK = StockAdmin(Organization, admin.AdminSite())
TEMPLATES = DjangoTemplates(
    {
        "NAME": "stock",
        "DIRS": [Path(admin.__file__).parent / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
)
"""Those that unfold puts its own in place of."""


def _stock(asked: Mapping[str, str]) -> Any:
    """The stock list, written out."""
    request = RequestFactory().get("/", asked)
    request.user = User(is_staff=True, is_superuser=True)
    response: Any = STOCK.changelist_view(request)
    [name] = [name for name in response.template_name if name == "admin/change_list.html"]
    TEMPLATES.get_template(name).render(response.context_data, request)
    return response


def _client() -> Client:
    """Signed in as a viewer who has shown a second factor."""
    viewer = User.objects.create(email="viewer@desk.example", full_name="Viewer", is_staff=True)
    viewer.groups.add(Group.objects.get(name=Tier.VIEWER))
    client = Client(HTTP_HOST=urlsplit(settings.PUBLIC_URL).netloc)
    client.force_login(viewer)
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": time.time()}]
    session["account_authentication_methods_user"] = str(viewer.pk)
    session.save()
    return client


def _grow(first: int, last: int) -> None:
    with without_indexes("accounts_organization", "accounts_user"):
        fill(first, last, due=0, statements=WORLD, owners=True)


@contextmanager
def _quiet() -> Generator[None]:
    """Without a line for each request."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)
