"""What is asked for before an act that cannot be taken back lightly: the name typed, the password afresh (P71)."""

from allauth.account.adapter import get_adapter
from django import forms
from django.core.exceptions import ValidationError

from accounts.models import User


class PasswordForm(forms.Form):
    """The password of whoever acts; guesses are limited as at sign-in. The page before it asks the second factor."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Please enter your password."},
    )

    def __init__(self, *args, user: User, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self):
        if not get_adapter().reauthenticate(self.user, self.cleaned_data["password"]):
            raise ValidationError("That is not your password.")
        return self.cleaned_data["password"]


class TypedNameForm(PasswordForm):
    """Besides, the name of what will be changed, typed as it is."""

    name = forms.CharField(
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Please type the name."},
    )
    field_order = ["name", "password"]

    def __init__(self, *args, expected_name: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.expected_name = expected_name
        self.fields["name"].label = f"Type “{expected_name}” to confirm"

    def clean_name(self):
        if self.cleaned_data["name"].split() != self.expected_name.split():  # a page shows many spaces as one
            raise ValidationError(f"This is not “{self.expected_name}”.")
        return self.cleaned_data["name"]
