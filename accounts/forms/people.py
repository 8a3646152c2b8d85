"""Forms of the people of an organization."""

import re
from typing import cast
from uuid import uuid4

from django import forms
from django.conf import settings
from django.utils.text import Truncator

from accounts.models import Team
from accounts.services.invitations import ALL, InvitationsRefused
from konnect_portal.foundation.choices import Described

SHOWN_OF_JUNK = 60


class TeamsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, team):
        return Described(team.name, team.description)


class InviteForm(forms.Form):
    """Addresses to invite, and the teams that await them. Sent twice, told by `id`, it invites once."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    emails = forms.CharField(
        label="E-mail addresses",
        widget=forms.Textarea(attrs={"rows": 5, "autocapitalize": "off", "spellcheck": "false"}),
        error_messages={"required": "Please enter at least one e-mail address."},
    )
    teams = TeamsField(
        queryset=Team.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Whoever joins is in these from then on. Without any they see the organization and no more.",
        error_messages=dict.fromkeys(
            ("invalid_choice", "invalid_pk_value", "invalid_list"), "A team that you chose is there no more."
        ),
    )

    def __init__(self, *args, organization_id, **kwargs):
        super().__init__(*args, **kwargs)
        at_once = settings.INVITATIONS_AT_ONCE
        self.fields["emails"].help_text = f"Up to {at_once}, each on its own line or separated by commas or blanks."
        teams = cast(TeamsField, self.fields["teams"])
        teams.queryset = Team.objects.filter(organization=organization_id)

    def clean_emails(self):
        return [word for word in re.split(r"[\s,;]+", self.cleaned_data["emails"]) if word]

    def refuse(self, refused: InvitationsRefused) -> None:
        """Say beside the field what is wrong with which address."""
        for address, reason in refused.reasons.items():
            told = reason if address == ALL else f"{Truncator(address).chars(SHOWN_OF_JUNK)} {reason}."
            self.add_error("emails", told)
