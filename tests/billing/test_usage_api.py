"""What a geo reports and is answered: the contract of POST /v2/usage (P32, P63), and whatever else may come in."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import Client
from django.utils import timezone

from billing.models import GeoUsage, UsageApart, UsageFault, UsageRecord
from konnect_portal.foundation.geo_tokens import geo_tokens
from tests import desk, factories
from tests.accounts.identity_api.world import token

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
TOKENS = {"us": ["us-old", "us-new"], "eu": ["eu-secret"]}


class World:
    def __init__(self):
        self.now = timezone.now()
        self.hour = self.now.replace(minute=0, second=0, microsecond=0) - HOUR
        self.acme = factories.organization("Acme")
        self.client = Client()

    def record(self, **fields) -> dict:
        good = {"organization_id": str(self.acme.pk), "metric": "api_requests", "hour": text(self.hour), "quantity": 5}
        return good | fields

    def post(self, body, *, token=TOKENS["us"][1], geo="us", content_type="application/json"):
        body = body if isinstance(body, str | bytes) else json.dumps(body)
        headers = {"Host": f"{geo}.api.localhost"} | ({"Authorization": f"Bearer {token}"} if token else {})
        return self.client.generic("POST", "/v2/usage", body, content_type, headers=headers)

    def batch(self, *records, id="one", **fields) -> dict:
        return {"batch_id": id, "complete_through": text(self.hour + HOUR), "records": list(records)} | fields

    def report(self, *records, **fields) -> dict:
        response = self.post(self.batch(*records, **fields))
        assert response.status_code == 200, response.content
        return response.json()

    @property
    def complete_through(self) -> datetime | None:
        return GeoUsage.objects.filter(pk="us").values_list("complete_through", flat=True).first()


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="module")
def shared(django_db_setup, django_db_blocker):
    """Made once, since what each test changes is undone."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


@pytest.fixture
def world(shared, settings):
    settings.GEO_TOKENS = TOKENS
    return shared


def metered() -> list[int]:
    return list(UsageRecord.objects.order_by("hour").values_list("quantity", flat=True))


def test_a_geo_reports_what_was_used_and_through_when_that_is_all(world):
    """P32, P63"""
    answer = world.report(world.record(), world.record(metric="dev_portals", quantity=2))

    assert answer == {
        "batch_id": "one",
        "accepted": 2,
        "rejected": [],
        "kept_apart": [],
        "complete_through": (world.hour + HOUR).isoformat(),
    }
    assert world.complete_through == world.hour + HOUR


def test_a_geo_without_usage_says_that_there_was_none(world):
    """P63"""
    assert world.report()["accepted"] == 0
    assert world.complete_through == world.hour + HOUR


@pytest.mark.parametrize(
    ("token", "geo", "status"),
    [("us-old", "us", 200), ("us-new", "us", 200), ("eu-secret", "us", 404), ("no", "us", 401), (None, "us", 401),
     ("us-new", "eu", 404), ("us-né", "us", 401)],
)  # fmt: skip
def test_only_the_geos_own_tokens_open_its_host(world, token, geo, status):
    assert world.post(world.batch(), token=token, geo=geo).status_code == status


def test_no_token_of_a_customer_reports_usage(world):
    _, secret = token(world.acme, user=world.acme.owner)

    assert world.post(world.batch(), token=secret).status_code == 401


@pytest.mark.parametrize("host", ["api.localhost", "testserver"])
def test_usage_is_reported_at_a_geos_host_alone(world, host):
    headers = {"Host": host, "Authorization": "Bearer us-new"}

    assert world.client.post("/v2/usage", world.batch(), "application/json", headers=headers).status_code == 404


def test_tokens_come_as_pairs_and_a_geo_may_have_several():
    assert geo_tokens(["us=a", "us=b", "eu=c=="]) == {"us": ["a", "b"], "eu": ["c=="]}
    assert configured.GEO_TOKENS == {}


@pytest.mark.parametrize("pair", ["us", "us=", "=secret"])
def test_a_pair_without_geo_or_token_is_refused_at_the_start(pair):
    with pytest.raises(ImproperlyConfigured):
        geo_tokens([pair])


FAULTS = [
    ("quantity", -1, "greater than or equal to 0"),
    ("quantity", 1.5, "valid integer"),
    ("quantity", "5", "valid integer"),
    ("quantity", True, "valid integer"),
    ("quantity", None, "valid integer"),
    ("quantity", 10**12 + 1, "less than or equal to"),
    ("quantity", 2**63, "less than or equal to"),
    ("quantity", float("nan"), "valid integer"),
    ("metric", "requests", "api_requests"),
    ("metric", None, "api_requests"),
    ("metric", ["api_requests"], "api_requests"),
    ("organization_id", "acme", "invalid ID format"),
    ("organization_id", None, "invalid ID format"),
    ("hour", "2026-11-24T08:30:00Z", "beginning of an hour"),
    ("hour", "2026-11-24T08:00:00.5Z", "beginning of an hour"),
    ("hour", "2026-11-24T08:00:00", "must be a moment"),
    ("hour", "yesterday", "must be a moment"),
    ("hour", "0001-01-01T00:00:00+14:00", "must be a moment"),
    ("hour", 1_763_971_200, "must be a moment"),
    ("hour", [], "must be a moment"),
    ("colour", "blue", "property colour should not exist"),
    ("x" * 10_000, 1, "should not exist"),
]


@pytest.mark.parametrize(("field", "value", "reason"), FAULTS, ids=[f"{f[0][:9]}-{i}" for i, f in enumerate(FAULTS)])
def test_a_bad_record_is_told_and_takes_no_good_one_with_it(world, field, value, reason):
    answer = world.report(world.record(), world.record(**{field: value}), world.record(quantity=7))

    assert answer["accepted"] == 2
    [rejected] = answer["rejected"]
    assert rejected["index"] == 1
    assert rejected["field"] == field[:100]
    assert reason in rejected["reason"]
    assert metered() == [12]
    assert world.complete_through is None


@pytest.mark.parametrize("record", [None, 5, "usage", [], {}, {"\0": 1}, {"\ud800": 1}])
def test_what_is_no_record_is_told(world, record):
    assert [each["index"] for each in world.report(record)["rejected"]] == [0]


def test_an_hour_more_than_five_minutes_ahead_is_rejected(world):
    """P62"""
    ahead = world.record(hour=text(world.hour + 3 * HOUR))

    [rejected] = world.report(ahead)["rejected"]

    assert rejected == {"index": 0, "field": "hour", "reason": "must not lie more than 5 minutes ahead"}


def test_an_hour_is_one_in_utc_wherever_its_clock_stands(world):
    given = world.hour.astimezone(timezone.get_fixed_timezone(330)).isoformat()

    assert world.report(world.record(hour=given))["accepted"] == 1
    assert UsageRecord.objects.get().hour == world.hour


BODIES = [
    ("{", "body"),
    ("[]", "body"),
    ("null", "body"),
    ('{"batch_id": "one"}', "complete_through"),
    ({"batch_id": ""}, "batch_id"),
    ({"batch_id": "a\0b"}, "batch_id"),
    ({"batch_id": "a" * 251}, "batch_id"),
    ({"batch_id": "\ud800"}, "batch_id"),
    ({"batch_id": 7}, "batch_id"),
    ({"complete_through": None}, "complete_through"),
    ({"complete_through": "now"}, "complete_through"),
    ({"complete_through": "0001-01-01T00:00:00+14:00"}, "complete_through"),
    ({"complete_through": "9999-12-31T23:00:00-14:00"}, "complete_through"),
    ({"complete_through": text(datetime.now(UTC) + HOUR)}, "complete_through"),
    ({"records": None}, "records"),
    ({"records": {}}, "records"),
    ({"geo": "us"}, "geo"),
]


@pytest.mark.parametrize(("body", "field"), BODIES)
def test_a_body_that_is_no_batch_takes_nothing(world, body, field):
    sent = body if isinstance(body, str) else world.batch(world.record()) | body
    response = world.post(sent)

    assert response.status_code == 400
    assert field in [each["field"] for each in response.json()["invalid_parameters"]]
    assert not metered()
    assert world.complete_through is None


def test_a_body_has_to_say_that_it_is_json(world):
    assert world.post(world.batch(), content_type="text/plain").status_code == 415


def test_a_batch_may_have_so_many_records(world, settings):
    settings.USAGE_RECORDS_MAX = 2

    assert world.post(world.batch(*[world.record()] * 2)).status_code == 200
    response = world.post(world.batch(*[world.record()] * 3, id="two"))
    assert response.status_code == 413
    assert response.json()["detail"] == "A batch may have 2 records at most. Send them in several."


def test_a_batch_of_a_hundred_thousand_records_is_too_large(world):
    response = world.post(world.batch(*[world.record()] * 100_000))

    assert response.status_code == 413
    assert not metered()


def test_the_same_batch_again_is_answered_alike_and_counts_once(world):
    """P32: also where its answer was lost, and however its JSON is written."""
    batch = world.batch(world.record(), world.record(quantity=-1))
    first = world.post(batch)
    again = world.post(json.dumps(dict(reversed(batch.items())), indent=2))

    assert (again.status_code, again.json()) == (200, first.json())
    assert metered() == [5]
    assert UsageFault.objects.count() == 1


@pytest.mark.parametrize("change", [{"records": []}, {"complete_through": "2026-01-01T00:00:00Z"}])
def test_other_content_under_the_same_id_is_refused(world, change):
    """P32"""
    world.report(world.record())
    response = world.post(world.batch(world.record()) | change)

    assert response.status_code == 409
    assert metered() == [5]
    assert world.complete_through == world.hour + HOUR


def test_each_geo_names_its_batches_as_it_likes(world):
    world.report(world.record())

    assert world.post(world.batch(), token="eu-secret", geo="eu").status_code == 200


def test_what_never_counts_is_said_and_listed(world, viewer):
    """P41: visible to support."""
    unknown = factories.UserFactory().pk
    answer = world.report(world.record(), world.record(organization_id=str(unknown)))

    assert answer["kept_apart"] == [{"index": 1, "reason": "unknown"}]
    assert answer["accepted"] == 1
    page = desk.signed_in(viewer).get("/admin/billing/usageapart/").content.decode()
    assert str(unknown) in page
    assert UsageApart.objects.get().quantity == 5


def test_rejected_records_are_listed_until_they_are_mended(world, viewer):
    world.report(world.record(quantity=-1))
    client = desk.signed_in(viewer)

    assert str(world.acme.pk) in client.get("/admin/billing/usagefault/?state=open").content.decode()
    world.report(world.record(), id="two")
    assert str(world.acme.pk) not in client.get("/admin/billing/usagefault/?state=open").content.decode()
