"""A person's password changes (P6)."""

from django.db import transaction

from accounts.models import User
from konnect_portal.foundation.outbox import NewMail, queue_mails


@transaction.atomic
def change_password(user: User, password: str) -> None:
    """Set what the form has judged, and tell the person by mail.

    Raises User.DoesNotExist where the account was closed or its address replaced since `user` was read (P56, P73).
    """
    User.objects.filter(email=user.email).hold(user.pk)
    user.set_password(password)
    user.save(update_fields=["password", "updated_at"])
    queue_mails([NewMail(to=user.email, kind="password_changed", context={}, person_id=user.pk)])
