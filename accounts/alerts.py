"""Alerts: what waits for longer than 24 hours is told to those who look after the portal.

An alert begins with an error in the log and a mail within the hour, and is mailed again once a day while its cause is
there. A cause that goes and comes back the same day is mailed once. /metrics and the start page ask what waits
themselves.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from post_office.models import STATUS

from accounts.desk.waiting import KINDS, Waiting, waiting
from accounts.models import Alert
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import NewMail, queue_mails

ALERT_LOCK = 20_260_142
"""The advisory lock under which alerts begin, are told and end; any number that nothing else here uses."""

MAIL_EVERY = timedelta(hours=23, minutes=30)
"""A little less than a day, so that the hourly task finds the same hour each day."""

MAILS_APART = timedelta(minutes=50)
"""A little less than an hour, so that each run of the hourly task may mail."""

logger = structlog.get_logger(__name__)


@transaction.atomic
def review_alerts(*, at: datetime) -> None:
    """Begin and end alerts, and mail `ALERTS_TO` those that were not mailed for a day: in one mail, and one an hour.

    Twice, or two at once, changes nothing more. A mail that no server has taken yet is not followed by another.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ALERT_LOCK])
    late = [each for each in waiting(KINDS, at) if each.is_late]
    _end({each.kind.name for each in late}, at)
    _begin(late, at)
    told = set(Alert.objects.filter(told_at__gt=at - MAIL_EVERY).values_list("kind", flat=True))
    untold = [each for each in late if each.kind.name not in told]
    if untold and settings.ALERTS_TO and not _mailed_lately(at):
        _tell(untold)
        Alert.objects.open().filter(kind__in=[each.kind.name for each in untold]).update(told_at=at)


def _end(late: set[str], at: datetime) -> None:
    Alert.objects.open().exclude(kind__in=late).update(ended_at=at)


def _begin(late: Sequence[Waiting], at: datetime) -> None:
    known = set(Alert.objects.open().values_list("kind", flat=True))
    begun = [each for each in late if each.kind.name not in known]
    Alert.objects.bulk_create(Alert(kind=each.kind.name, began_at=at) for each in begun)
    for each in begun:
        logger.error("waits for more than 24 hours", kind=each.kind.name, count=each.count, since=each.since)


def _mailed_lately(at: datetime) -> bool:
    unsent = Mail.objects.filter(kind="alerts", email__status__in=[STATUS.queued, STATUS.requeued])
    return Alert.objects.filter(told_at__gt=at - MAILS_APART).exists() or unsent.exists()


def _tell(late: Sequence[Waiting]) -> None:
    queue_mails(NewMail(to=to, kind="alerts", context={"alerts": _lines(late)}) for to in settings.ALERTS_TO)


def _lines(late: Iterable[Waiting]) -> list[dict[str, str]]:
    return [
        {"title": each.kind.title, "count": each.shown, "since": each.since, "path": each.kind.link} for each in late
    ]
