"""Forms of signing up and of opening another organization."""

from typing import cast
from uuid import uuid4

from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html, validate_password

from accounts.forms.signin import AddressField
from accounts.models import User
from accounts.services.opening import Opening
from geos.services import WHAT_A_GEO_MEANS, geos_to_choose
from konnect_portal.foundation.choices import Described

NAME_LENGTH = 250
CHOOSE_A_GEO = "Please choose one of these geos."


class AddressForm(forms.Form):
    email = AddressField(
        label="E-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
        help_text="We mail you a link to go on.",
        error_messages={"required": "Please enter your e-mail address."},
    )


class OrganizationForm(forms.Form):
    """Name and geo. Its hidden id becomes the organization's, so that a form sent twice opens one organization."""

    id = forms.UUIDField(widget=forms.HiddenInput)
    organization_name = forms.CharField(
        label="Name of the organization",
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        help_text="Your company or team. It can be changed later.",
        error_messages={"required": "Please name the organization."},
    )
    geo = forms.ChoiceField(
        label="Geo",
        widget=forms.RadioSelect,
        help_text=WHAT_A_GEO_MEANS,
        error_messages={"required": CHOOSE_A_GEO, "invalid_choice": CHOOSE_A_GEO},
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["id"].initial = uuid4()
        geo = cast(forms.ChoiceField, self.fields["geo"])
        geo.choices = [(each.code, Described(each.name, each.code)) for each in geos_to_choose()]

    def opening(self) -> Opening:
        return Opening(
            id=self.cleaned_data["id"],
            name=self.cleaned_data["organization_name"],
            geo=self.cleaned_data["geo"],
        )


class NewcomerForm(forms.Form):
    """Name and password of a person whose address is proven already."""

    full_name = forms.CharField(
        label="Your name",
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Please enter your name."},
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validators_help_text_html,
        error_messages={"required": "Please choose a password."},
    )

    def __init__(self, *args, email, **kwargs):
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self):
        user = User(email=self.email, full_name=self.cleaned_data.get("full_name", ""))
        validate_password(self.cleaned_data["password"], user)
        return self.cleaned_data["password"]


class SignUpForm(NewcomerForm, OrganizationForm):
    field_order = ["full_name", "password", "organization_name", "geo"]
