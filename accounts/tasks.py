from celery import shared_task
from django.utils import timezone

from billing.services import record_completeness
from geos.services import embedded_geos


@shared_task
def report_embedded_geos() -> None:
    """Run every few minutes: what embedded geos use is recorded here at once, so it is complete up to now (P63)."""
    now = timezone.now()
    record_completeness(embedded_geos(), through=now, at=now)
