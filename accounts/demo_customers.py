"""Customers of the demo to sign in as, each with a story of its billing: usage, invoices, a card, a contract.

They are opened, metered and invoiced by the services that do it for everybody, each at the moment at which it would
have been done. Nothing of it is used elsewhere.
"""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings
from django.db import transaction

from accounts.importing import import_organizations
from accounts.models import User
from accounts.words import ORGANIZATION_ADMIN
from billing.models import CardSetup, EmbeddedCard, Metric
from billing.providers.embedded import give_card
from billing.services import (
    CYCLE,
    Batch,
    Contract,
    Tier,
    Tiers,
    begin_trial,
    change_contract,
    close_cycles,
    record_usage,
)
from billing.services.customers import begin_card_setup, finish_card_setup
from billing.services.plans import set_payment_method
from billing.services.reports import Usage

HOUR = timedelta(hours=1)
CONTRACT = Contract(
    contract_number="HB-2041",
    support_level="24x7x365, first answer within an hour",
    has_professional_services=True,
    sales_contact="sales@portal.example",
)
AGREED: Tiers = {
    Metric.API_REQUESTS: [Tier(above=0, per=1_000_000, cents=9_000)],
    Metric.GATEWAY_SERVICES: [Tier(above=0, per=720, cents=6_000)],
}


@dataclass(frozen=True, kw_only=True)
class Customer:
    """`geos` says how many requests an hour has in each, about, and how many gateway services run there."""

    name: str
    owner: str
    email: str
    story: str
    days: int
    plan: str
    geos: Mapping[str, tuple[int, int]]
    card: EmbeddedCard.Kind | None = None

    @property
    def id(self) -> UUID:
        return uuid5(NAMESPACE_URL, self.email)


CUSTOMERS = [
    Customer(
        name="Tidewater Coffee",
        owner="Tilda Brandt",
        email="tilda@tidewater.example",
        story="Plus, with invoices and a card",
        days=95,
        plan="plus",
        geos={"us": (2_600, 4), "eu": (1_700, 3), "sg": (600, 1)},
        card=EmbeddedCard.Kind.ACCEPTED,
    ),
    Customer(
        name="Lantern Maps",
        owner="Lars Okafor",
        email="lars@lantern.example",
        story="Plus, with a card that is refused",
        days=41,
        plan="plus",
        geos={"eu": (2_100, 2)},
        card=EmbeddedCard.Kind.REFUSED,
    ),
    Customer(
        name="Harbour Bank",
        owner="Hana Mori",
        email="hana@harbour.example",
        story="Enterprise, with agreed prices",
        days=70,
        plan="enterprise",
        geos={"us": (9_000, 6), "eu": (12_000, 8), "in": (4_000, 3)},
    ),
    Customer(
        name="Paper Kite",
        owner="Pia Alvarez",
        email="pia@paperkite.example",
        story="a trial with credits",
        days=12,
        plan="free",
        geos={"us": (1_900, 2)},
    ),
]


@transaction.atomic
def open_customers(*, password: str, contract_by: UUID, at: datetime) -> None:
    """Open them in their past, with all that has happened until `at`; `contract_by` is who of staff agreed prices."""
    for customer in CUSTOMERS:
        opened_at = at - timedelta(days=customer.days)
        _open(customer, password, opened_at)
        if customer.plan == "enterprise":
            change_contract(customer.id, CONTRACT, prices=AGREED, by_id=contract_by, at=opened_at)
        if customer.plan == "free":
            owner = User.objects.get(email=customer.email)
            begin_trial(organization_id=customer.id, person_id=owner.pk, address=owner.email, at=opened_at)
        if customer.card:
            _add_card(customer, customer.card)
        _meter(customer, opened_at, at)
    _close_cycles(at)


def _open(customer: Customer, password: str, at: datetime) -> None:
    """By import, as if it had been done at `at`."""
    for tally in import_organizations(io.BytesIO(json.dumps(_line(customer, at.isoformat())).encode()), at=at):
        if not tally.created:
            raise ValueError(f"{customer.name} was not taken in: {tally}")
    owner = User.objects.get(email=customer.email)
    owner.set_password(password)
    owner.save()


def _line(customer: Customer, at: str) -> dict[str, object]:
    owner = {
        "email": customer.email,
        "full_name": customer.owner,
        "teams": [ORGANIZATION_ADMIN],
        "last_login_at": at,
    }
    control_planes = [
        {"name": f"{geo}-production", "geo": geo, "kind": "gateway", "nodes": 2, "services": services}
        for geo, (_, services) in customer.geos.items()
    ]
    return {
        "id": str(customer.id),
        "name": customer.name,
        "email": customer.email,
        "owner_email": customer.email,
        "created_at": at,
        "state": "active",
        "home_geo": next(iter(customer.geos)),
        "plan": customer.plan,
        "trial_ends_at": None,
        "billing_anchor_at": at,
        "plan_changed_at": None,
        "reactivated_at": None,
        "never_deactivate": False,
        "last_api_request_at": None,
        "members": [owner],
        "control_planes": control_planes,
        "usage": [],
    }


def _meter(customer: Customer, opened_at: datetime, now: datetime) -> None:
    """Report every full hour, cycle by cycle, as geos do."""
    for start, end in pairwise([*_cycle_starts(opened_at, now), now]):
        until = min(_full_hour(end), now.replace(minute=0, second=0))
        for geo in customer.geos:
            usage = list(_usage(customer, geo, _full_hour(start), until))
            id = f"demo {customer.name} {until:%Y-%m-%d}"
            record_usage(Batch(geo=geo, batch_id=id, digest=id, complete_through=until, usage=usage), at=until)


def _usage(customer: Customer, geo: str, hour: datetime, end: datetime) -> Iterator[Usage]:
    """Busy by day and on weekdays, and somewhat uneven."""
    requests, services = customer.geos[geo]
    while hour < end:
        percent = (7 - hour.isoweekday() // 6 * 3) * (4 + min(hour.hour, 24 - hour.hour)) + hour.day * 7 % 25
        yield Usage(0, customer.id, Metric.API_REQUESTS, hour, requests * percent // 100 + hour.hour * hour.day % 97)
        yield Usage(0, customer.id, Metric.GATEWAY_SERVICES, hour, services)
        yield Usage(0, customer.id, Metric.DEV_PORTALS, hour, 1)
        hour += HOUR


def _add_card(customer: Customer, kind: EmbeddedCard.Kind) -> None:
    """As the owner does it, on the embedded provider's page."""
    owner = User.objects.get(email=customer.email)
    begin_card_setup(customer.id, person_id=owner.pk, return_url=settings.PUBLIC_URL)
    setup = CardSetup.objects.get(organization=customer.id)
    give_card(setup.pk, kind)
    set_payment_method(customer.id, finish_card_setup(customer.id, setup.pk), by_id=owner.pk)


def _close_cycles(now: datetime) -> None:
    """Close every cycle of theirs that has ended, in order, an hour later."""
    openings = [now - timedelta(days=customer.days) for customer in CUSTOMERS]
    for end in sorted(end for opened_at in openings for end in _cycle_starts(opened_at + CYCLE, now - HOUR)):
        close_cycles(at=end + HOUR)


def _cycle_starts(first: datetime, until: datetime) -> list[datetime]:
    return [first + k * CYCLE for k in range(-((first - until) // CYCLE))]


def _full_hour(moment: datetime) -> datetime:
    """The first full hour from `moment` on."""
    hour = moment.replace(minute=0, second=0)
    return hour if hour == moment else hour + HOUR
