"""Forms of customers' sign-in; allauth's own, in our words."""

from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.contrib.auth.forms import SetPasswordForm

from accounts.services.passwords import change_password
from konnect_portal.foundation.addresses import normalize_address

EMAIL_LENGTH = 250


class AddressField(forms.EmailField):
    """An address in the form of P1, which is what is judged: it may be longer than what was typed."""

    def __init__(self, **options):
        super().__init__(max_length=EMAIL_LENGTH, **options)

    def to_python(self, value):
        return normalize_address(super().to_python(value) or "")


class SignInForm(LoginForm):
    """Takes the address in every form of P1, which a field for addresses would not."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.CharField(
            label="E-mail address",
            max_length=EMAIL_LENGTH,
            widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
            error_messages={"required": "Please enter your e-mail address."},
        )
        self.fields["password"].help_text = ""
        self.fields["password"].error_messages["required"] = "Please enter your password."
        self.fields["password"].widget.attrs["placeholder"] = ""

    def clean_login(self):
        return normalize_address(self.cleaned_data["login"])


class ConfirmForm(ReauthenticateForm):
    """The password once more, before something that matters."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs |= {"placeholder": "", "autofocus": True}
        self.fields["password"].error_messages["required"] = "Please enter your password."


class Worded:
    """allauth's field for a code, which says what it waits for."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        code = self.fields["code"]  # type: ignore[attr-defined]
        code.error_messages["required"] = "Please type the code."
        code.widget.attrs["placeholder"] = ""


class SecondFactorForm(Worded, AuthenticateForm):
    pass


class ConfirmByCodeForm(Worded, ReauthenticateByCodeForm):
    pass


class AddAppForm(Worded, ActivateTOTPForm):
    pass


class UntrustedJSON(forms.JSONField):
    """Django lets a number with thousands of digits fail as no other wrong JSON does."""

    def to_python(self, value):
        try:
            return super().to_python(value)
        except ValueError as malformed:
            raise forms.ValidationError(self.error_messages["invalid"], params={"value": "…"}) from malformed


class Untrusted:
    """What a browser posts as a passkey's answer may be anything; allauth and fido2 fail at what has another shape."""

    MALFORMED = (AttributeError, KeyError, TypeError, ValueError)

    def clean_credential(self):
        try:
            return super().clean_credential()  # type: ignore[misc]
        except self.MALFORMED as malformed:
            raise get_adapter().validation_error("incorrect_code") from malformed


class SignInByPasskeyForm(Untrusted, LoginWebAuthnForm):
    credential = UntrustedJSON(widget=forms.HiddenInput)


class SecondFactorByPasskeyForm(Untrusted, AuthenticateWebAuthnForm):
    credential = UntrustedJSON(widget=forms.HiddenInput)


class ConfirmByPasskeyForm(Untrusted, ReauthenticateWebAuthnForm):
    credential = UntrustedJSON(widget=forms.HiddenInput)


class AddPasskeyForm(AddWebAuthnForm):
    """A passkey both signs in and is a second factor, so it always has to ask who is there."""

    credential = UntrustedJSON(widget=forms.HiddenInput)
    passwordless = forms.BooleanField(initial=True, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["name"] = forms.CharField(label="Name", max_length=100, required=False)
        self.fields["name"].help_text = "What you will know it by, such as “Work laptop”."

    def clean(self):
        try:
            return super().clean()
        except Untrusted.MALFORMED as malformed:
            raise get_adapter().validation_error("incorrect_code") from malformed


class ResetRequestForm(forms.Form):
    email = AddressField(
        label="E-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        error_messages={"required": "Please enter your e-mail address."},
    )


class NewPasswordForm(SetPasswordForm):
    """A password, chosen by the person alone (P6)."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].label = "New password"
        self.fields["new_password1"].error_messages["required"] = "Please choose a password."
        self.fields["new_password2"].label = "The same once more"
        self.fields["new_password2"].error_messages["required"] = "Please enter the new password once more."
        self.fields["new_password2"].help_text = ""

    def save(self, commit=True):
        change_password(self.user, self.cleaned_data["new_password1"])
        return self.user
