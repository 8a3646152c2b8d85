"""When control planes are taken down, as whoever deactivates may choose (P42)."""

from datetime import datetime, timedelta

from django import forms
from django.conf import settings

from accounts.columns import later
from konnect_portal.foundation.choices import Described

NOW, LATER = "now", "later"


class TakeDownField(forms.ChoiceField):
    """The choice of an owner: later, unless they want it done at once."""

    def __init__(self, **options):
        super().__init__(
            label="Take its control planes down",
            choices=[
                (LATER, Described(later().capitalize(), "Until then they can come back with the organization.")),
                (NOW, Described("At once", "They cannot come back.")),
            ],
            widget=forms.RadioSelect,
            initial=LATER,
            error_messages={"required": "Please choose when."},
            **options,
        )


def take_down_moment(choice: str, *, now: datetime) -> datetime:
    return now if choice == NOW else now + timedelta(hours=settings.TAKE_DOWN_DELAY_HOURS)
