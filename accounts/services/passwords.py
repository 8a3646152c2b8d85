"""A person's password changes (P6)."""

from django.db import transaction

from accounts.models import User
from konnect_portal.foundation.outbox import NewMail, queue_mails


@transaction.atomic
def change_password(user: User, password: str) -> None:
    """Set what the form has judged, and tell the person by mail."""
    user.set_password(password)
    user.save()
    queue_mails([NewMail(to=user.email, kind="password_changed", context={}, person_id=user.pk)])
