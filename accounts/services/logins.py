"""Logins into organizations (P5, P61)."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Greatest

from accounts.models import Membership, Organization, User


@transaction.atomic
def record_login(organization_id: UUID, user: User, at: datetime) -> Organization:
    """Record that a member entered an active organization. No moment moves back.

    Raises Organization.DoesNotExist where it is not active, Membership.DoesNotExist where the person is no member.
    """
    organization = Organization.objects.hold(organization_id)
    membership = Membership.objects.filter(organization=organization, user=user)
    if not membership.update(last_login_at=Greatest("last_login_at", at)):
        raise Membership.DoesNotExist
    Organization.objects.filter(pk=organization_id).update(
        last_login_at=Greatest("last_login_at", at),
        inactive_at=Greatest("inactive_at", at + timedelta(days=settings.INACTIVITY_DAYS)),
    )
    return organization
