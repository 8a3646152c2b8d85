import structlog
from celery import shared_task

from accounts.checks import run_check

logger = structlog.get_logger(__name__)


@shared_task
def check_inactivity():
    """Run hourly (P65). What a run missed the next one finds; running twice changes nothing."""
    run = run_check().run
    logger.info(
        "checked inactivity",
        outcome=run.outcome,
        due=run.due_count,
        held=run.held_counts,
        deactivated=run.deactivated_count,
        failed=run.failed_count,
    )
