"""`manage.py add_price_list FILE --valid-from MOMENT [--subscription ID]`: a new version (P30)."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from billing.models import PriceList
from tests import factories

pytestmark = pytest.mark.django_db

TOML = """
[[api_requests]]
per = 1_000_000
cents = 0

[[api_requests]]
above = 2_000_000
per = 1_000_000
cents = 25_000

[[gateway_services]]
per = 720
cents = 12_000

[[dev_portals]]
per = 720
cents = 0
"""
ONE = {"per": 1, "cents": 1}
EVERY = {"api_requests": [ONE], "gateway_services": [ONE], "dev_portals": [ONE]}


@pytest.fixture
def add(tmp_path, capsys):
    def run(text, *more, valid_from="2050-01-01T00:00:00Z"):
        file = tmp_path / "prices"
        file.write_text(text if isinstance(text, str) else json.dumps(text))
        call_command("add_price_list", str(file), "--valid-from", valid_from, *map(str, more))
        return capsys.readouterr().out

    return run


def test_a_list_in_toml_is_added_told_back_and_stays(add):
    """P30"""
    said = add(TOML)

    assert "1 Jan 2050, 00:00 UTC" in said
    assert "API requests: included" in said
    assert "API requests above 2,000,000: 250.00 USD per 1,000,000 requests" in said
    made = PriceList.objects.first()
    assert made.prices.count() == 4
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        made.prices.update(cents=1)


def test_a_contract_has_its_own_in_json(add):
    """P30"""
    contract = factories.subscription(factories.organization(), "enterprise")

    add(EVERY, "--subscription", contract.pk, valid_from="2026-01-01T00:00:00Z")

    assert contract.price_lists.get().prices.count() == 3


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("= no list", "neither TOML nor JSON"),
        ({"api_requests": [ONE]}, "Gateway services: the first unit has no price."),
        (EVERY | {"api_requests": [ONE | {"above": 5}]}, "API requests: the first unit has no price."),
        (EVERY | {"api_requests": [ONE, ONE]}, "API requests: two prices begin above 0."),
        (EVERY | {"api_requests": [ONE | {"per": 0}]}, "API requests: the price above 0 is of no quantity"),
        (EVERY | {"api_requests": [ONE, ONE | {"cents": -1}]}, "api_requests.1.cents: must be a whole number"),
        (EVERY | {"api_requests": [ONE | {"cents": 1.5}]}, "api_requests.0.cents: must be a whole number"),
        (EVERY | {"api_requests": [ONE | {"cent": 1}]}, "api_requests.0.cent: a tier has above, per, cents"),
        (EVERY | {"api_requests": [{"per": 1}]}, "api_requests.0.cents: must be a whole number"),
        (EVERY | {"api_requests": ONE}, "api_requests: must be a list of tiers"),
        (EVERY | {"lunches": [ONE]}, "lunches: no such metric"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_list_with_a_gap_or_a_mistake_is_refused_with_what_and_where(wrong, told, add):
    with pytest.raises(CommandError, match="cannot be used") as refused:
        add(wrong)

    assert told in str(refused.value)
    assert refused.value.returncode == 2
    assert PriceList.objects.count() == 1


def test_prices_of_cycles_that_have_begun_do_not_change(add):
    """P30"""
    with pytest.raises(CommandError, match="in the future only"):
        add(EVERY, valid_from="2026-01-01T00:00:00Z")


def test_a_moment_has_one_list(add):
    add(EVERY)

    with pytest.raises(CommandError, match="Nothing changed"):
        add(TOML)


def test_only_a_contract_has_prices_of_its_own(add):
    paid = factories.subscription(factories.organization(), "plus")

    with pytest.raises(CommandError, match="no Enterprise subscription"):
        add(EVERY, "--subscription", paid.pk)


def test_a_moment_needs_its_time_zone(add):
    with pytest.raises(CommandError, match="has no time zone"):
        add(EVERY, valid_from="2050-01-01T00:00:00")
