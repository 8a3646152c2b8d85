"""What the lower floors need of an organization without importing the floor that owns it."""

from uuid import UUID

from django.apps import apps
from django.db import models

OWNER = "accounts.Organization"
"""By name, as foreign keys call it."""


def hold_organization(id: UUID) -> models.Model:
    """Lock an active organization while something is added to it (habit 1); DoesNotExist where it is not active."""
    return apps.get_model(OWNER)._default_manager.hold(id)
