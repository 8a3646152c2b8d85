"""What a password has to be (P6)."""

import re

from django.core.exceptions import ValidationError

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
