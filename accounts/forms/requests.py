"""What an owner asks support for."""

from django import forms

from accounts.models import Organization
from accounts.words import State, Wish


class SupportRequestForm(forms.Form):
    """Of the organizations that they own, purged ones left out. An owner names the next one without support (P3)."""

    wish = forms.ChoiceField(
        label="What support should do",
        choices=[
            ("", "Please choose"),
            *((wish.value, wish.label) for wish in Wish if wish != Wish.NAME_OWNER),
        ],
        help_text="Support may do this and nothing else because of it.",
    )
    text = forms.CharField(
        label="What support should know",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    field_order = ["organization", "wish", "text"]

    def __init__(self, *args, owner, **kwargs):
        super().__init__(*args, **kwargs)
        owned = Organization.objects.filter(owner=owner, state__in=[State.ACTIVE, State.INACTIVE])
        self.fields["organization"] = forms.ModelChoiceField(owned.order_by("name", "pk"), empty_label="Please choose")
        self.order_fields(self.field_order)
