from celery import shared_task

from konnect_portal.foundation.delivery import send_due_mails


@shared_task
def send_mail():
    """Run twice a minute and after every commit that wrote a mail; at the same time as often as you like."""
    send_due_mails()
