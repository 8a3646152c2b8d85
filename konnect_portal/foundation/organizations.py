"""What the lower floors need of an organization without importing the floor that owns it."""

from typing import Any
from uuid import UUID

from django.apps import apps

OWNER = "accounts.Organization"
"""By name, as foreign keys call it."""


def hold_organization(id: UUID) -> Any:
    """Lock an active organization while something is added to it (habit 1); DoesNotExist where it is not active."""
    return apps.get_model(OWNER)._default_manager.hold(id)
