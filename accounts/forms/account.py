"""Forms of My Account."""

from allauth.account.adapter import get_adapter
from django import forms
from django.core.exceptions import ValidationError

from accounts.forms.signin import AddressField, NewPasswordForm
from accounts.models import User


class NameForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["full_name", "preferred_name"]
        labels = {"full_name": "Name", "preferred_name": "What you like to be called"}
        widgets = {
            "full_name": forms.TextInput(attrs={"autocomplete": "name"}),
            "preferred_name": forms.TextInput(attrs={"autocomplete": "nickname"}),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["full_name"].required = True
        self.fields["full_name"].error_messages["required"] = "Please enter your name."

    def save(self, commit=True):
        """Nothing but the names: whatever else has become of the account meanwhile stays (P56)."""
        self.instance.save(update_fields=[*self.fields, "updated_at"])
        return self.instance


class AddressForm(forms.Form):
    email = AddressField(
        label="New e-mail address",
        help_text="We send a link to it. The address changes when you follow the link.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": "Please enter your new e-mail address."},
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self):
        email = self.cleaned_data["email"]
        if email == self.user.email:
            raise ValidationError("This is your address already.")
        return email


class ChangePasswordForm(NewPasswordForm):
    """The present one first; guesses are limited as at sign-in."""

    old_password = forms.CharField(
        label="Present password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Please enter the password that you have now."},
    )
    field_order = ["old_password", "new_password1", "new_password2"]

    def clean_old_password(self):
        password = self.cleaned_data["old_password"]
        if not get_adapter().reauthenticate(self.user, password):
            raise ValidationError("That is not your password.")
        return password
