"""Billing and Usage of a busy organization, signed in (P33), beside a bare "hello" and beside a plain ORM version.

All three are asked with the same session through the same middleware, from the WSGI call to the last byte. The plain
version shows the same page, but loads the hours of each day, geo and metric and adds them up in Python.
"""

import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager
from datetime import UTC, datetime, time, timedelta
from itertools import product
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.test import Client, override_settings
from django.urls import include, path
from django.utils import timezone

from accounts.access import SESSION_KEY
from accounts.models import Membership, Organization, User
from billing.models import BillingAccount, GeoUsage, Metric, Plan, Subscription, UsageRecord
from billing.services import UsagePage, costs_so_far, usage_page
from billing.services.usage import Cycle, Used, cycles_of
from billing.services.usage_page import GeoShown
from geos.models import Geo, OrganizationGeo
from konnect_portal.benchmarks.measuring import Case, Watch, same
from konnect_portal.foundation.pages import organization_view

ORGANIZATIONS = 50
ROUNDS = 200
A_PLAIN_ONE_EACH = 40
DAYS = 90
HOURS = """
INSERT INTO billing_usagerecord (organization_id, metric, geo, hour, quantity)
SELECT organization.id, metric, geo, hour, 1 + extract(hour FROM hour) * 7
FROM accounts_organization AS organization
CROSS JOIN unnest(%(metrics)s::text[]) AS metric CROSS JOIN unnest(%(geos)s::text[]) AS geo
CROSS JOIN generate_series(%(start)s::timestamptz, %(end)s, '1 hour') AS hour
WHERE organization.id = ANY(%(organizations)s)
"""
BY_DAY = """
INSERT INTO billing_dailyusage (organization_id, metric, geo, day, quantity, units)
SELECT organization_id, metric, geo, (hour AT TIME ZONE 'UTC')::date AS day,
    CASE metric WHEN 'api_requests' THEN sum(quantity) ELSE max(quantity) END, sum(quantity)
FROM billing_usagerecord GROUP BY 1, 2, 3, day
"""

type Ask = Callable[[str], bytes]


def run(organizations: int) -> list[Case]:
    busy = _world(organizations)
    with override_settings(ROOT_URLCONF=__name__), _quiet():
        ask, watch = _asking(busy), Watch()
        _compare(busy, ask)
        for number in range(ROUNDS):
            watch.time("hello", ask, "/benchmark/hello/")
            watch.time("page", ask, "/billing/")
            if number % A_PLAIN_ONE_EACH == 0:
                watch.time("plain", ask, "/benchmark/plain/")
    hello = Case("hello", ROUNDS, watch.seconds["hello"])
    plain = Case("Billing and Usage, plain ORM", ROUNDS // A_PLAIN_ONE_EACH, watch.seconds["plain"])
    page = Case(
        "Billing and Usage",
        ROUNDS,
        watch.seconds["page"],
        floor=hello.per_second,
        rival=plain.per_second,
        least_of_floor=0.15,
        least_of_rival=3,
    )
    return [hello, plain, page]


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


@organization_view("billing.view_billing")
def plain(request: Any) -> HttpResponse:
    return render(request, "billing/usage.html", {"page": _plain_page(request.organization, timezone.now())})


urlpatterns = [
    path("benchmark/hello/", hello),
    path("benchmark/plain/", plain),
    path("", include("konnect_portal.urls")),
]


def _plain_page(organization: Organization, at: datetime) -> UsagePage:
    geos = {}
    for opened in organization.organization_geos.order_by("geo__position"):
        through = GeoUsage.objects.get(geo=opened.geo_id).complete_through
        geos[opened.geo_id] = GeoShown(opened.geo_id, opened.geo.name, through)
    cycles = cycles_of(organization.billing_account.anchor_at, since=organization.created_at, at=at)
    return UsagePage(
        at=at,
        cycle=cycles[0],
        cycles=cycles,
        metric=Metric.API_REQUESTS,
        used={metric: _add_up(organization, metric, geos, cycles[0]) for metric in Metric.values},
        geos=geos,
        costs=costs_so_far([organization.pk], at=at)[organization.pk],
    )


def _add_up(organization: Organization, metric: str, geos: Iterable[str], of: Cycle) -> Used:
    used = Used()
    for day, geo in product(of.days, geos):
        begins = datetime.combine(day, time(), UTC)
        start, end = max(begins, of.start), min(begins + timedelta(days=1), of.end)
        rows = UsageRecord.objects.filter(organization=organization, metric=metric, geo=geo)
        quantities = [row.quantity for row in rows.filter(hour__gte=start, hour__lt=end)]
        if quantities:
            used.days[day][geo] = sum(quantities) if metric == Metric.API_REQUESTS else max(quantities)
            used.day_units[day] += sum(quantities)
            used.units += sum(quantities)
    return used


def _compare(busy: Organization, ask: Ask) -> None:
    at = timezone.now()
    plain = _plain_page(busy, at)
    page = usage_page(busy.pk, since=busy.created_at, cycle="", metric="", at=at)
    same("The page", plain, page)
    same("A hello", b"hello", ask("/benchmark/hello/"))
    for address in ("/billing/", "/benchmark/plain/"):
        same(f"What {address} shows", True, f"{page.chart.totals[0]:,}".encode() in ask(address))


def _asking(busy: Organization) -> Ask:
    """Asks for a path as a gateway does, with a session of the owner in the organization."""
    client, now = Client(), int(timezone.now().timestamp())
    client.force_login(busy.owner)
    session = client.session
    session[SESSION_KEY] = {"id": str(busy.pk), "entered_at": now, "used_at": now}
    session.save()
    application = get_wsgi_application()

    def ask(address: str) -> bytes:
        environ: dict[str, Any] = {"HTTP_COOKIE": f"{settings.SESSION_COOKIE_NAME}={session.session_key}"}
        environ |= {"PATH_INFO": address, "HTTP_HOST": settings.ALLOWED_HOSTS[0], "REMOTE_ADDR": "127.0.0.1"}
        setup_testing_defaults(environ)
        response = application(environ, _begin)
        with closing(response):
            return b"".join(response)

    return ask


def _begin(*answer: Any) -> Callable[[bytes], object]:
    """Takes status and headers, as a gateway does, and gives a way of writing that nobody uses."""
    return bytes


@contextmanager
def _quiet() -> Generator[None]:
    """The portal logs each request, to where the figures shall stand."""
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@transaction.atomic
def _world(organizations: int) -> Organization:
    """The first is on Plus and works in every geo, the others in one; all of them every hour."""
    now = timezone.now()
    created_at = now - timedelta(days=DAYS - 15)
    owner = User.objects.create(email="owner@example.com")
    made = [
        Organization(
            name=f"Organization {number}",
            owner=owner,
            contact_email=owner.email,
            created_at=created_at,
            inactive_at=now + timedelta(days=30),
        )
        for number in range(organizations)
    ]
    Organization.objects.bulk_create(made)
    Membership.objects.bulk_create(Membership(organization=each, user=owner) for each in made)
    BillingAccount.objects.bulk_create(BillingAccount(organization=each, anchor_at=created_at) for each in made)
    busy, geos = made[0], list(Geo.objects.values_list("pk", flat=True))
    OrganizationGeo.objects.bulk_create(OrganizationGeo(organization=busy, geo_id=geo) for geo in geos)
    GeoUsage.objects.bulk_create(GeoUsage(geo=geo, complete_through=now) for geo in geos)
    Subscription.objects.create(organization=busy, plan=Plan.PLUS, starts_at=created_at, anchor_at=created_at)
    _use([busy], geos, created_at, now)
    _use(made[1:], geos[:1], created_at, now)
    with connection.cursor() as cursor:
        cursor.execute(BY_DAY)
        cursor.execute("ANALYZE")
    return busy


def _use(organizations: list[Organization], geos: list[str], start: datetime, end: datetime) -> None:
    asked: dict[str, Any] = {
        "organizations": [each.pk for each in organizations],
        "metrics": Metric.values,
        "geos": geos,
        "start": start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1),
        "end": end,
    }
    with connection.cursor() as cursor:
        cursor.execute(HOURS, asked)
