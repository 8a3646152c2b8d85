"""What the lower floors need of an organization without importing the floor that owns it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

OWNER = "accounts.Organization"
"""By name, as foreign keys call it."""
ACTIVE = "active"
"""The state of one that is neither deactivated nor purged."""


@dataclass(frozen=True)
class Addressee:
    """A person who is told something about an organization."""

    person_id: UUID
    email: str


def people_to_tell(id: UUID) -> list[Addressee]:
    """Its owner and admins whose accounts are open: whom mails about its billing go to.

    Asks `settings.PEOPLE_TO_TELL`, which keeps the lower floors from importing the one that knows people.
    """
    found: list[Addressee] = import_string(settings.PEOPLE_TO_TELL)(id)
    return found


def hold_organization(id: UUID) -> Any:
    """Lock an active organization while something is added to it (habit 1); DoesNotExist where it is not active."""
    return apps.get_model(OWNER)._default_manager.hold(id)


def hold_organizations(ids: Collection[UUID]) -> list[UUID]:
    """Lock those of `ids` that are active, in order of id, as `hold_organization` does; the others are left out."""
    active = apps.get_model(OWNER)._default_manager.active().filter(pk__in=ids)
    return list(active.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))


def keep_active(id: UUID) -> bool:
    """Keep an active organization from being deactivated until the transaction ends; False where it is not active.

    By the weakest lock that a deactivation's FOR UPDATE waits for, so that whoever holds the organization as
    `hold_organization` does, as a sign-in, neither waits nor is waited for.
    """
    table = apps.get_model(OWNER)._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM {table} WHERE id = %s AND state = %s FOR KEY SHARE", [id, ACTIVE])
        return cursor.rowcount == 1


def note_plan_change(id: UUID, *, at: datetime) -> None:
    """Say that a plan began or ended at `at`, which can bring forward when the organization becomes inactive."""
    apps.get_model(OWNER)._default_manager.filter(pk=id).lower_inactive_at(at)
