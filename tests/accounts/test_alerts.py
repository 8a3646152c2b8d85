"""Alerts: what has waited for 24 hours is told within the hour, then once a day while it waits, by a mail an hour."""

from datetime import timedelta

import pytest
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.alerts import review_alerts
from accounts.models import Alert
from billing.models import GeoUsage, ProviderMismatch
from tests.customers import read
from tests.races import collide

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = timezone.now()

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def addresses(settings):
    settings.ALERTS_TO = ["night@portal.example", "day@portal.example"]


def geo_is_late(hours=25, geo="eu"):
    GeoUsage.objects.create(geo=geo, complete_through=NOW - hours * HOUR)


def one_sided(hours=30):
    ProviderMismatch.objects.create(side="here", reference=str(hours), found_at=NOW - hours * HOUR)


def told(since=0) -> list[str]:
    """The subjects of mails to one of the addresses, but for the first of them."""
    mails = Email.objects.filter(to="night@portal.example").order_by("pk")
    return [mail.subject for mail in mails][since:]


def taken():
    """The server takes what waits."""
    Email.objects.update(status=STATUS.sent)


class TestBeginning:
    def test_what_waits_for_less_than_a_day_alerts_nobody(self):
        geo_is_late(hours=23)
        review_alerts(at=NOW)

        assert not Alert.objects.exists()
        assert told() == []

    def test_what_waits_for_a_day_is_told_to_every_address_and_to_the_log(self, caplog):
        geo_is_late(hours=24)
        review_alerts(at=NOW)

        assert [(alert.kind, alert.told_at) for alert in Alert.objects.open()] == [("geos", NOW)]
        assert {mail.to[0] for mail in Email.objects.all()} == {"night@portal.example", "day@portal.example"}
        assert told() == ["Waiting for more than a day: Geos behind with their usage"]
        [error] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
        assert "'geos'" in error

    def test_the_mail_says_how_much_since_when_and_leads_to_the_list(self, settings):
        settings.PUBLIC_URL = "https://portal.example"
        one_sided(hours=50)
        one_sided(hours=1)
        review_alerts(at=NOW)
        text = read(Email.objects.first()).message

        assert f"Subscriptions on one side only: 2, since {NOW - 50 * HOUR:%-d %b %Y, %H:%M} UTC" in text
        assert "https://portal.example/admin/billing/providermismatch/?state=open" in text

    def test_without_an_address_the_alert_stands_and_is_told_once_there_is_one(self, settings):
        geo_is_late()
        settings.ALERTS_TO = []
        review_alerts(at=NOW)
        assert (Alert.objects.get().told_at, told()) == (None, [])

        settings.ALERTS_TO = ["night@portal.example"]
        review_alerts(at=NOW + HOUR)
        assert len(told()) == 1


class TestTelling:
    def test_an_hour_later_nobody_is_told_again(self, caplog):
        geo_is_late()
        review_alerts(at=NOW)
        taken()
        caplog.clear()
        for hours in range(24):
            review_alerts(at=NOW + hours * HOUR)

        assert len(told()) == 1
        assert "ERROR" not in {record.levelname for record in caplog.records}

    def test_what_is_new_is_told_within_the_hour_and_what_was_told_is_left_out_until_a_day_later(self):
        geo_is_late()
        one_sided(hours=22.5)
        for hours in range(26):
            review_alerts(at=NOW + hours * HOUR)
            taken()

        geos, one = "Geos behind with their usage", "Subscriptions on one side only"
        assert told() == [f"Waiting for more than a day: {title}" for title in (geos, one, geos)]
        assert dict(Alert.objects.values_list("kind", "told_at")) == {"geos": NOW + DAY, "one_sided": NOW + 2 * HOUR}

    def test_an_hour_has_one_mail(self):
        geo_is_late()
        review_alerts(at=NOW)
        taken()
        one_sided()
        review_alerts(at=NOW + HOUR / 2)
        assert len(told()) == 1

        review_alerts(at=NOW + HOUR)
        assert told(since=1) == ["Waiting for more than a day: Subscriptions on one side only"]

    def test_what_goes_and_comes_back_the_same_day_is_told_once(self):
        geo_is_late()
        review_alerts(at=NOW)
        taken()
        GeoUsage.objects.update(complete_through=NOW)
        review_alerts(at=NOW + HOUR)
        GeoUsage.objects.update(complete_through=NOW - 25 * HOUR)

        review_alerts(at=NOW + 2 * HOUR)
        assert (Alert.objects.count(), len(told())) == (2, 1)
        review_alerts(at=NOW + DAY)
        assert len(told()) == 2

    def test_while_no_server_takes_a_mail_none_is_added_and_none_is_lost(self):
        geo_is_late()
        for days in range(7):
            review_alerts(at=NOW + days * DAY)
        assert len(told()) == 1

        taken()
        review_alerts(at=NOW + 7 * DAY)
        assert len(told()) == 2


class TestEnding:
    def test_it_ends_when_nothing_waits_that_long_and_is_told_no_more(self):
        geo_is_late()
        review_alerts(at=NOW)
        taken()
        GeoUsage.objects.update(complete_through=NOW - 3 * HOUR)
        review_alerts(at=NOW + HOUR)
        review_alerts(at=NOW + 2 * HOUR)

        assert [(alert.kind, alert.ended_at) for alert in Alert.objects.all()] == [("geos", NOW + HOUR)]
        assert len(told()) == 1

    def test_what_comes_back_is_another_alert_and_another_line_in_the_log(self, caplog):
        geo_is_late()
        review_alerts(at=NOW)
        GeoUsage.objects.update(complete_through=NOW)
        review_alerts(at=NOW + HOUR)
        review_alerts(at=NOW + 30 * HOUR)

        assert Alert.objects.count() == 2
        assert Alert.objects.open().get().began_at == NOW + 30 * HOUR
        assert [record.levelname for record in caplog.records].count("ERROR") == 2


@pytest.mark.django_db(transaction=True)
def test_two_at_once_tell_once():
    geo_is_late()
    assert collide(lambda: review_alerts(at=NOW), lambda: review_alerts(at=NOW)) is None

    assert Alert.objects.count() == 1
    assert len(told()) == 1


def test_figures_say_by_kind_how_much_waits_and_since_when(client, settings):
    settings.METRICS_TOKEN = "s3cret"
    one_sided()
    figures = client.get("/metrics", headers={"Authorization": "Bearer s3cret"}).text

    assert 'portal_waiting{kind="one_sided"} 1.0' in figures
    assert 'portal_waiting{kind="geos"} 0.0' in figures
    assert 'portal_waiting_oldest_seconds{kind="one_sided"} 1080' in figures


def test_an_alert_does_not_make_the_portal_unready(client):
    geo_is_late()
    review_alerts(at=NOW)

    assert client.get("/readyz").status_code == 200
