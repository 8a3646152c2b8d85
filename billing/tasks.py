import structlog
from celery import shared_task
from django.utils import timezone

from billing import services

logger = structlog.get_logger(__name__)


@shared_task
def close_cycles() -> None:
    """Run hourly (P34). What a run missed the next one finds; running twice changes nothing."""
    closed = services.close_cycles(at=timezone.now())
    if any(closed):
        logger.info("closed cycles", **closed._asdict())
