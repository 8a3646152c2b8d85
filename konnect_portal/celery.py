"""The Celery application and the schedule of everything periodic."""

import os

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging

from konnect_portal import broker as broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "konnect_portal.settings")

app = Celery("konnect_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "alert": {
        "task": "accounts.tasks.alert",
        "schedule": crontab(minute="12"),
    },
    "carry out replacements": {
        "task": "accounts.tasks.carry_out_replacements",
        "schedule": crontab(minute="*/5"),
    },
    "charge invoices": {
        "task": "billing.tasks.charge_invoices",
        "schedule": 60.0,
    },
    "check inactivity": {
        "task": "accounts.tasks.check_inactivity",
        "schedule": crontab(minute="7"),
    },
    "deactivate lists left undone": {
        "task": "accounts.tasks.deactivate_lists",
        "schedule": 60.0,
    },
    "find usage that came late": {
        "task": "accounts.tasks.find_late_usage",
        "schedule": crontab(minute="4"),
    },
    "close cycles": {
        "task": "billing.tasks.close_cycles",
        "schedule": crontab(minute="17"),
    },
    "count for the desk": {
        "task": "accounts.tasks.count_for_desk",
        "schedule": crontab(minute="*/5"),
    },
    "forget what expired": {
        "task": "accounts.tasks.forget_what_expired",
        "schedule": crontab(hour="3", minute="40"),
    },
    "find control planes left to take down": {
        "task": "geos.tasks.find_decommissions",
        "schedule": 60.0,
    },
    "move anchors": {
        "task": "billing.tasks.move_anchors",
        "schedule": crontab(minute="2"),
    },
    "reconcile billing": {
        "task": "billing.tasks.reconcile_billing",
        "schedule": crontab(hour="2", minute="10"),
    },
    "renew licenses": {
        "task": "licensing.tasks.renew_licenses",
        "schedule": crontab(minute="32"),
    },
    "report usage of embedded geos": {
        "task": "accounts.tasks.report_embedded_geos",
        "schedule": crontab(minute="*/5"),
    },
    "tell of cards that expire": {
        "task": "billing.tasks.tell_of_expiring_cards",
        "schedule": crontab(hour="6", minute="20"),
    },
    "tell of trials that end": {
        "task": "billing.tasks.tell_of_trial_ends",
        "schedule": crontab(minute="27"),
    },
    "tell of tokens that expire": {
        "task": "accounts.tasks.tell_of_expiring_tokens",
        "schedule": crontab(minute="22"),
    },
    "run errands at the payment provider": {
        "task": "billing.tasks.run_errands",
        "schedule": 60.0,
    },
    "send mail": {
        "task": "konnect_portal.foundation.tasks.send_mail",
        "schedule": 30.0,
    },
}


@setup_logging.connect
def keep_django_logging(**kwargs):
    """Celery would otherwise replace the handlers that settings.LOGGING installs."""
