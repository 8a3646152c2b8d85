import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts.alerts import review_alerts
from accounts.bulk.acting import carry_out
from accounts.bulk.lists import forget_reports
from accounts.checks import run_check
from accounts.desk.pulse import count_figures
from accounts.late_usage import find_late_usage as find_some_late_usage
from accounts.models import BulkDeactivation
from accounts.models.sessions import SessionStore
from accounts.services.recovery import carry_out_recoveries
from accounts.services.sign_up import forget_requests
from accounts.services.token_notices import tell_of_expiry
from accounts.services.trail import forget_lookups
from billing.services import expect_usage, forget_batches, record_completeness
from geos.services import embedded_geos

logger = structlog.get_logger(__name__)


@shared_task
def check_inactivity() -> None:
    """Run hourly (P65): notices, then deactivations. What a run missed the next finds; twice changes nothing."""
    run = run_check().run
    logger.info(
        "checked inactivity",
        outcome=run.outcome,
        due=run.due_count,
        held=run.held_counts,
        deactivated=run.deactivated_count,
        failed=run.failed_count,
    )


@shared_task
def deactivate_lists() -> None:
    """Run when a list is confirmed, and every minute for what a hint missed or a worker left undone (P74)."""
    for bulk in BulkDeactivation.objects.running().order_by("confirmed_at"):
        carry_out(bulk)


@shared_task
def find_late_usage() -> None:
    """Run hourly (P68). What a run missed the next one finds."""
    while find_some_late_usage(at=timezone.now()):
        pass


@shared_task
def report_embedded_geos() -> None:
    """Run every few minutes: what embedded geos use is recorded here at once, so it is complete up to now (P63).

    A geo that has a token reports for itself, and is expected to.
    """
    now = timezone.now()
    expect_usage(settings.GEOS, at=now)
    record_completeness(set(embedded_geos()) - set(settings.GEO_TOKENS), through=now, at=now)


@shared_task
def alert() -> None:
    """Run hourly: what has waited for 24 hours is told to those who look after the portal; twice changes nothing."""
    review_alerts(at=timezone.now())


@shared_task
def count_for_desk() -> None:
    """Run every few minutes: the start page shows what this counted last, and when."""
    count_figures(at=timezone.now())


@shared_task
def tell_of_expiring_tokens() -> None:
    """Run hourly: what a run missed the next one finds, and nobody is told the same thing twice."""
    now = timezone.now()
    while tell_of_expiry(at=now):
        pass


@shared_task
def carry_out_replacements() -> None:
    """Run every few minutes: addresses and second factors that a lead has replaced, 72 hours later."""
    logger.info("carried out replacements", done=carry_out_recoveries(at=timezone.now()))


@shared_task
def forget_what_expired() -> None:
    """Run daily; an expired session or link opens nothing, so nothing hangs on when."""
    SessionStore.clear_expired()
    forget_requests()
    forget_reports(at=timezone.now())
    forget_batches(at=timezone.now())
    forget_lookups(at=timezone.now())
