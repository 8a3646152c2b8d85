"""What an owner asks support for."""

from django import forms

from accounts.models import Organization
from accounts.words import State, Wish


class SupportRequestForm(forms.Form):
    """Of the organizations that they own, purged ones left out."""

    organization = forms.ModelChoiceField(queryset=Organization.objects.none(), empty_label="Please choose")
    wish = forms.ChoiceField(label="What support should do", choices=[("", "Please choose"), *Wish.choices])
    text = forms.CharField(
        label="What support should know",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args, owner, **kwargs):
        super().__init__(*args, **kwargs)
        owned = Organization.objects.filter(owner=owner, state__in=[State.ACTIVE, State.INACTIVE])
        self.fields["organization"].queryset = owned.order_by("name", "pk")
