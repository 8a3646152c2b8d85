"""Forms of Settings > General."""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from accounts.forms.confirming import PasswordForm, TypedNameForm
from accounts.forms.signin import AddressField
from accounts.forms.signup import NAME_LENGTH
from accounts.forms.taking_down import TakeDownField
from accounts.models import Organization, User
from accounts.models.organizations import LOGIN_PATH
from konnect_portal.foundation.choices import Described

GONE = "This is nobody of Organization Admin with an open account any more. Please choose somebody else."


class SettingsForm(forms.Form):
    """Name and login path. Each carries what it was when the page was shown, so that `changes` are this person's."""

    name = forms.CharField(
        max_length=NAME_LENGTH,
        show_hidden_initial=True,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        error_messages={"required": "Please name the organization."},
    )
    login_path = forms.CharField(
        max_length=NAME_LENGTH,
        required=False,
        show_hidden_initial=True,
        validators=[RegexValidator(LOGIN_PATH, "Please use letters from A to Z and digits alone.")],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}),
        help_text="For single sign-on: letters and digits. No two organizations have the same, whatever its case.",
    )

    @property
    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.changed_data}


class ContactForm(forms.Form):
    email = AddressField(
        label="New contact e-mail",
        help_text="We send a link to it. It becomes the contact when somebody follows the link.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": "Please enter the new contact e-mail."},
    )

    def __init__(self, *args, organization: Organization, **kwargs):
        super().__init__(*args, **kwargs)
        self.organization = organization

    def clean_email(self):
        email = self.cleaned_data["email"]
        if email == self.organization.contact_email:
            raise ValidationError("This is the contact e-mail already.")
        return email


class HandOverForm(PasswordForm):
    """Who owns the organization from now on: one of `heirs`, of whom `shown` stand on the page."""

    to = forms.ModelChoiceField(
        User.objects.none(),
        label="New owner",
        widget=forms.RadioSelect,
        error_messages={"required": "Please choose who owns it from now on.", "invalid_choice": GONE},
    )
    field_order = ["to", "password"]

    def __init__(self, *args, heirs, shown, **kwargs):
        super().__init__(*args, **kwargs)
        to = cast(forms.ModelChoiceField, self.fields["to"])
        to.queryset = heirs
        to.choices = [(person.pk, Described(str(person), person.email)) for person in shown]


class DeactivateForm(TypedNameForm):
    """When control planes are taken down, where there are any; then name and password."""

    take_down = TakeDownField()
    field_order = ["take_down", "name", "password"]

    def __init__(self, *args, has_control_planes: bool, **kwargs):
        super().__init__(*args, **kwargs)
        if not has_control_planes:
            del self.fields["take_down"]
