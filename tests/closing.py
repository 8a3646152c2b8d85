"""Closing an account as a page does it: with what was shown of it a moment ago."""

from datetime import timedelta

from django.utils import timezone

from accounts.closing import Deactivate, close_account
from accounts.models import LifecycleEvent
from accounts.previews import closing_of, deactivation_of


def deactivation(organization, *, at_once=False) -> Deactivate:
    now = timezone.now()
    preview = deactivation_of(organization, at=now)
    return Deactivate(now if at_once else now + timedelta(hours=72), preview.digest)


def close(person, choices=None, **options) -> LifecycleEvent:
    """Close the account; `choices` by organization."""
    return closing(person, choices, **options)()


def closing(person, choices=None, **options):
    """`close`, as it is to be done with what is shown now."""
    options = {"expected": closing_of(person).digest, "address": "192.0.2.1"} | options
    choices = {organization.pk: choice for organization, choice in (choices or {}).items()}
    return lambda: close_account(actor=person, choices=choices, **options)
