from datetime import timedelta
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.services.tokens import LONGEST, NAME, NAME_RULE

CHOOSE_DAYS = f"Please choose from 1 to {LONGEST.days} days."


class TokenForm(forms.Form):
    """A token to be made. `id` is its id, so that a form sent twice makes one token."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    name = forms.CharField(
        max_length=256,
        help_text="What it is for, such as laptop or deploy.",
        error_messages={"required": "Please give the token a name."},
    )
    days = forms.IntegerField(
        label="Valid for how many days",
        min_value=1,
        max_value=LONGEST.days,
        initial=90,
        help_text=f"From a day to {LONGEST.days} days.",
        error_messages=dict.fromkeys(("required", "min_value", "max_value"), CHOOSE_DAYS),
    )

    def clean_name(self):
        name = self.cleaned_data["name"]
        if not NAME.fullmatch(name):
            raise ValidationError(NAME_RULE)
        return name

    @property
    def expires_at(self):
        return timezone.now() + timedelta(days=self.cleaned_data["days"])


class SystemAccountForm(forms.Form):
    """What people say of a system account."""

    name = forms.CharField(max_length=250, error_messages={"required": "Please give the system account a name."})
    description = forms.CharField(
        max_length=250,
        help_text="What it does, for whoever looks after it later.",
        error_messages={"required": "Please say what it does."},
    )


class NewSystemAccountForm(SystemAccountForm):
    """A system account to be made. `id` is its id, so that a form sent twice makes one."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
