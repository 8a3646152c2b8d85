"""What is asked for before an act that cannot be taken back: the name of what it changes."""

from django import forms
from django.core.exceptions import ValidationError


class NameForm(forms.Form):
    """The name of what will be changed, typed as it is."""

    name = forms.CharField(
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Please type the name."},
    )

    def __init__(self, *args, expected_name: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.expected_name = expected_name
        self.fields["name"].label = f"Type “{expected_name}” to confirm"

    def clean_name(self):
        if self.cleaned_data["name"].split() != self.expected_name.split():  # a page shows many spaces as one
            raise ValidationError(f"This is not “{self.expected_name}”.")
        return self.cleaned_data["name"]
