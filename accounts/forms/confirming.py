"""What is asked for before an act that cannot be taken back lightly: the name typed, the password afresh (P71)."""

from allauth.account.adapter import get_adapter
from django import forms
from django.core.exceptions import ValidationError

from accounts.models import User
from konnect_portal.foundation.confirming import NameForm

NONE_YET = "You have none yet. Set one by mail first: My Account, Password."


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
        if not user.has_usable_password():
            self.fields["password"].help_text = NONE_YET

    def clean_password(self):
        if not get_adapter().reauthenticate(self.user, self.cleaned_data["password"]):
            raise ValidationError("That is not your password.")
        return self.cleaned_data["password"]


class TypedNameForm(NameForm, PasswordForm):
    """Besides, the name of what will be changed, typed as it is."""

    field_order = ["name", "password"]
