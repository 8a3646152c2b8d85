"""Teams to be made and changed, and who is to come in."""

from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError

from accounts.services.teams import LONGEST
from konnect_portal.foundation.labels import LabelsField


class TeamForm(forms.Form):
    """What people say of a custom team."""

    name = forms.CharField(max_length=LONGEST, error_messages={"required": "Please give the team a name."})
    description = forms.CharField(
        max_length=LONGEST, required=False, help_text="What it is for, shown wherever the team is chosen."
    )
    labels = LabelsField(required=False, help_text="One a line, such as department: payments.")


class NewTeamForm(TeamForm):
    """A team to be made. `id` is its id, so that a form sent twice makes one."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class WhoForm(forms.Form):
    """Who is to come into a team: a person or a system account, as the services name them."""

    user_id = forms.UUIDField(required=False)
    system_account_id = forms.UUIDField(required=False)

    def clean(self):
        named = {field: id for field, id in self.cleaned_data.items() if id}
        if len(named) != 1:
            raise ValidationError("Please choose whom to add.")
        return named


class WhichTeamForm(forms.Form):
    """Which team somebody is to come into."""

    team_id = forms.UUIDField(error_messages={"required": "Please choose a team."})
