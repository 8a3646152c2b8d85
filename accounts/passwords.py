"""What a password has to be (P6)."""

import re

from django.conf import settings
from django.contrib.auth.hashers import check_password, is_password_usable
from django.core.exceptions import ValidationError

from accounts.models import PasswordHistory

LENGTH_MIN = 12
REQUIREMENTS = {
    f"have at least {LENGTH_MIN} characters": lambda password: len(password) >= LENGTH_MIN,
    "have an upper case letter": lambda password: any(character.isupper() for character in password),
    "have a lower case letter": lambda password: any(character.islower() for character in password),
    "have a digit": lambda password: any(character.isdigit() for character in password),
    "have a special character": lambda password: any(not character.isalnum() for character in password),
    "have no character more than twice in a row": lambda password: not re.search(r"(.)\1\1", password, re.DOTALL),
}


class PolicyValidator:
    """Says everything that is missing at once."""

    def validate(self, password, user=None):
        missing = [wish for wish, is_met in REQUIREMENTS.items() if not is_met(password)]
        if missing:
            raise ValidationError([f"The password has to {wish}." for wish in missing], code="password_policy")

    def get_help_text(self):
        return (
            f"At least {LENGTH_MIN} characters, with upper case, lower case, a digit and a special character, "
            "and none of them more than twice in a row."
        )


class HistoryValidator:
    """None of the person's last 13, the present one included, however it came to be (P6)."""

    def validate(self, password, user=None):
        if user is not None and any(check_password(password, used) for used in _remembered(user)):
            raise ValidationError(
                f"The password has to differ from your last {settings.PASSWORDS_REMEMBERED}.", code="password_used"
            )

    def password_changed(self, password, user=None):
        """Called by every `save` of a person that sets a password: remembers it, and forgets what is too old."""
        if is_password_usable(user.password):
            PasswordHistory.objects.create(user=user, password=user.password)
            PasswordHistory.objects.filter(user=user).exclude(pk__in=_latest(user).values("pk")).delete()

    def get_help_text(self):
        return f"None of your last {settings.PASSWORDS_REMEMBERED}."


def _remembered(user) -> list[str]:
    """The present one comes first; an import may have brought it without a history."""
    used = [user.password, *_latest(user).values_list("password", flat=True)]
    return [password for password in dict.fromkeys(used) if is_password_usable(password) and password]


def _latest(user):
    return PasswordHistory.objects.filter(user_id=user.pk).order_by("-pk")[: settings.PASSWORDS_REMEMBERED]
