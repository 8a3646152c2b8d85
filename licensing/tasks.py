import structlog
from celery import shared_task
from django.utils import timezone

from licensing import services

logger = structlog.get_logger(__name__)


@shared_task
def renew_licenses() -> None:
    """Run hourly (P22). What a run missed the next one finds; running twice changes nothing."""
    renewed, failed = services.renew_licenses(at=timezone.now())
    if renewed or failed:
        logger.info("renewed licenses", renewed=renewed, failed=failed)
