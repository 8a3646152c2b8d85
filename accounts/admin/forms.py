"""What an act of support asks for before it is done: why, for whom, and the name typed (P71, P73)."""

from datetime import UTC, datetime
from uuid import uuid4

from django import forms
from django.utils import timezone

from accounts.forms.signin import AddressField
from accounts.forms.taking_down import LATER, NOW
from accounts.inactivity import can_be_asked
from accounts.words import REASONS_BY_REQUEST, STAFF_REASONS, Proof, Reason, Tier, Wish

CHOOSE = ("", "Please choose")
OFFERED_AT_MOST = 50
NO_PROOF = "The customer has not asked for this yet: the owner asks from their account, or you ask the contact."


class ConfirmForm(forms.Form):
    """The name of what is changed typed as it is."""

    name = forms.CharField(label="Name", widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}))

    def __init__(self, *args, expected_name, **kwargs):
        super().__init__(*args, **kwargs)
        self.expected_name = expected_name
        self.fields["name"].label = f"Type “{expected_name}” to confirm"

    def clean_name(self):
        if self.cleaned_data["name"].split() != self.expected_name.split():  # a page shows many spaces as one
            raise forms.ValidationError(f"This is not “{self.expected_name}”.")
        return self.cleaned_data["name"]


class ActForm(ConfirmForm):
    """Note, ticket, how identity was shown, and the name typed."""

    note = forms.CharField(
        label="Why",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For colleagues. Customers never see it.",
    )
    ticket = forms.CharField(label="Ticket", max_length=100, help_text="The ticket that asks for this.")
    proof = forms.ChoiceField(
        label="How identity was shown",
        choices=[CHOOSE, *Proof.choices],
        help_text="How it was shown that the request comes from the customer.",
    )
    field_order = ["note", "ticket", "proof", "name"]

    def __init__(self, *args, proofs=None, **kwargs):
        super().__init__(*args, **kwargs)
        if proofs is not None:
            self.fields["proof"] = forms.ChoiceField(
                label=self.fields["proof"].label,
                choices=[CHOOSE, *proofs],
                help_text=self.fields["proof"].help_text if proofs else NO_PROOF,
            )
            self.order_fields(self.field_order)


class WordForm(ActForm):
    """An act that is on nobody's behalf, or changes nothing for the customer: no identity has to be shown."""

    proof = None  # type: ignore[assignment]  # how Django takes a field out of a form


class AskContactForm(WordForm):
    wish = forms.ChoiceField(label="What was asked for", choices=[CHOOSE, *Wish.choices])
    text = forms.CharField(
        label="In the customer’s words", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    field_order = ["wish", "text", "note", "ticket", "name"]


class NoteForm(forms.Form):
    """A note on a case. Its hidden id becomes the note's, so that a form sent twice leaves one."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    text = forms.CharField(
        label="Note",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For colleagues. It stays, and customers never see it.",
        error_messages={"required": "Please write something."},
    )
    ticket = forms.CharField(label="Ticket", max_length=100, required=False)


class TierForm(WordForm):
    tier = forms.ChoiceField(label="New tier", choices=Tier.choices)
    field_order = ["tier", "note", "ticket", "name"]


class MakeStaffForm(forms.Form):
    """A new colleague: their link goes to the address, and nobody else sees it."""

    email = AddressField(label="E-mail address", help_text="Of the company, and no customer’s.")
    full_name = forms.CharField(label="Name", max_length=250)
    tier = forms.ChoiceField(label="Tier", choices=Tier.choices)
    note = forms.CharField(label="Why", widget=forms.Textarea(attrs={"rows": 3}), help_text="Kept with the event.")
    ticket = forms.CharField(label="Ticket", max_length=100, help_text="The ticket that asks for this.")


class ExemptForm(WordForm):
    until = forms.DateField(
        label="Until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="From 00:00 UTC of this day on it is checked again. Without a day it has no end.",
    )
    field_order = ["until", "note", "ticket", "name"]

    def clean_until(self):
        until = self.cleaned_data["until"]
        if until and until <= timezone.now().date():
            raise forms.ValidationError("This day is over or has begun. Please choose a later one.")
        return until


class DeactivateForm(ActForm):
    """Identity is asked for where the customer asked; fraud, spam and the like need no request (P73)."""

    reason = forms.ChoiceField(
        label="Reason",
        choices=[CHOOSE, *((reason.value, reason.label) for reason in STAFF_REASONS)],
        help_text="Customers read a sentence made of it.",
    )
    field_order = ["reason", "take_down", "note", "ticket", "proof", "name"]

    def __init__(self, *args, may_choose, delay_hours, proofs, **kwargs):
        super().__init__(*args, proofs=proofs, **kwargs)
        self.fields["note"].required = self.fields["proof"].required = False
        if proofs:
            self.fields["proof"].help_text = f"Only where the reason is “{Reason.SUPPORT_REQUEST.label}”."
        if may_choose:
            later = f"In {delay_hours} hours: until then they can come back"
            self.fields["take_down"] = forms.ChoiceField(
                label="Take control planes down",
                choices=[(NOW, "Now: they cannot come back"), (LATER, later)],
                widget=forms.RadioSelect,
                initial=NOW,
            )
            self.order_fields(self.field_order)

    def clean(self):
        super().clean()
        data = self.cleaned_data
        by_request = data.get("reason") in REASONS_BY_REQUEST
        if by_request and not data.get("proof"):
            self.add_error("proof", "Please say how it was shown that the customer asks for this.")
        if not by_request:
            data["proof"] = ""
        if data.get("proof") == Proof.LEAD_WORD and not data.get("note"):
            self.add_error("note", "Please name the lead and why their word is enough.")
        return data


class MemberField(AddressField):
    """One of `members`, by their address, since there may be thousands; a few are offered while one types."""

    def __init__(self, *, members, **options):
        super().__init__(**options)
        self.members = members

    def widget_attrs(self, widget):
        return {**super().widget_attrs(widget), "list": "members"}

    @property
    def offered(self):
        """All of them, or none where that is too many to choose from."""
        few = list(self.members[: OFFERED_AT_MOST + 1])
        return few if len(few) <= OFFERED_AT_MOST else []

    def clean(self, value):
        address = super().clean(value)
        person = self.members.filter(email=address).first()
        if person is None:
            raise forms.ValidationError(f"No other member with an open account has the address {address}.")
        return person


class ReactivateForm(ActForm):
    """Whether people come back too (P52) and, where the owner's account is closed, who owns it now (P53)."""

    restore_people = forms.BooleanField(
        label="Put people back into their teams and roles", required=False, help_text="As they were before."
    )
    field_order = ["restore_people", "owner", "note", "ticket", "proof", "name"]

    def __init__(self, *args, owners, **kwargs):
        super().__init__(*args, **kwargs)
        if owners is not None:
            self.fields["owner"] = MemberField(
                label="Address of the new owner",
                members=owners,
                help_text="The owner's account is closed, so another member with an open account has to own it.",
            )
            self.order_fields(self.field_order)


class InviteOwnerForm(ActForm):
    """Who is to own it, by their address, and whether people come back too once it is accepted (P52, P53)."""

    email = AddressField(
        label="Address of the new owner",
        help_text="A link goes to it; until it is accepted nothing changes. It is neither staff’s nor a member’s, nor "
        "locked for another organization.",
    )
    restore_people = forms.BooleanField(
        label="Put people back into their teams and roles", required=False, help_text="As they were before."
    )
    field_order = ["email", "restore_people", "note", "ticket", "proof", "name"]


class OwnerForm(ActForm):
    """Who owns it now: any other member (P3)."""

    field_order = ["owner", "note", "ticket", "proof", "name"]

    def __init__(self, *args, members, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["owner"] = MemberField(
            label="Address of the new owner", members=members, help_text="A member with an open account."
        )
        self.order_fields(self.field_order)


class AddressForm(ActForm):
    email = AddressField(label="New address", help_text="A link goes to it, which has to be followed.")
    field_order = ["email", "note", "ticket", "proof", "name"]


class HoldForm(WordForm):
    """Until when; the reason and the ticket are shown wherever the hold is in the way (P58)."""

    until = forms.DateTimeField(
        label="Until",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="In UTC. At that moment the hold ends by itself.",
    )
    field_order = ["until", "note", "ticket", "name"]

    def clean_until(self):
        if self.cleaned_data["until"] <= timezone.now():
            raise forms.ValidationError("Please choose a moment that is still to come.")
        return self.cleaned_data["until"]


class ListForm(forms.Form):
    """Organizations by id, whatever stands around the ids."""

    ids = forms.CharField(
        label="Organizations by id",
        max_length=2_000_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "autocomplete": "off"}),
        help_text="One a line, with commas, or as they stand in a table, a mail or an address. Nothing happens yet.",
    )


class DecisionForm(forms.Form):
    reason = forms.CharField(
        label="Why", widget=forms.Textarea(attrs={"rows": 3}), help_text="For colleagues, kept with the decision."
    )


class ResumeForm(forms.Form):
    """Nothing to say when the check goes on."""


def _read_moment(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


class MomentInput(forms.DateTimeInput):
    """Shows a moment in UTC, the only way in which the browser's own field takes one."""

    def format_value(self, value):
        at = _read_moment(value)
        return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}" if at else value


class MomentField(forms.CharField):
    """A moment in UTC, or one that says its time zone."""

    widget = MomentInput(attrs={"type": "datetime-local", "step": 1})

    def clean(self, value):
        at = _read_moment(super().clean(value))
        if at is None:
            raise forms.ValidationError("This is no moment. Please write one such as 2026-12-01T03:00.")
        if not can_be_asked(at):
            raise forms.ValidationError("This moment lies too far away. Please choose a nearer one.")
        return at.astimezone(UTC)


class AskForm(forms.Form):
    """A moment that the check is asked about, and whether notices are to matter."""

    at = MomentField(label="Moment", help_text="In UTC. Nothing is written, and nobody is told.")
    told = forms.BooleanField(
        label="As if everybody had been told in time",
        required=False,
        help_text="Otherwise whoever has not been told by today counts as held, however far off the moment is.",
    )
