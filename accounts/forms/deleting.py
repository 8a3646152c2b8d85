"""The form that closes an account (P56)."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django import forms
from django.utils import timezone

from accounts.closing import Choice, Deactivate, HandOver
from accounts.columns import later
from accounts.forms.confirming import TypedNameForm
from accounts.forms.taking_down import LATER, NOW, take_down_moment
from accounts.models import Organization, User
from accounts.previews import DeactivationPreview


class DeleteAccountForm(TypedNameForm):
    """What becomes of each organization that the person owns, nothing chosen beforehand; then address and password.

    Beside each choice the page posts the digest of what it showed of that organization.
    """

    def __init__(self, *args, previews: Iterable[DeactivationPreview], heirs: Mapping[UUID, Iterable[User]], **kwargs):
        super().__init__(*args, **kwargs)
        self.owned = {field_name(each.organization): each.organization for each in previews}
        for preview in previews:
            organization = preview.organization
            self.fields[field_name(organization)] = choice_field(preview, heirs[organization.pk])
        self.order_fields([*self.owned, "name", "password"])
        self.fields["name"].error_messages["required"] = "Please type your e-mail address."

    @property
    def choices(self) -> dict[UUID, Choice]:
        return {organization.pk: self._choice(name) for name, organization in self.owned.items()}

    def _choice(self, name: str) -> Choice:
        chosen = self.cleaned_data[name]
        if chosen in (NOW, LATER):
            return Deactivate(take_down_moment(chosen, now=timezone.now()), self.data.get(f"{name}-digest", ""))
        return HandOver(UUID(chosen))


def field_name(organization: Organization) -> str:
    return f"organization-{organization.pk}"


def choice_field(preview: DeactivationPreview, heirs: Iterable[User]) -> forms.ChoiceField:
    """Whom it is handed over to, or when its control planes are taken down."""
    name = preview.organization.name
    handing_over = [(str(heir.pk), f"{heir} ({heir.email})") for heir in heirs]
    deactivating = [(LATER, f"Deactivate {name}")]
    if preview.scope.control_planes:
        deactivating = [
            (LATER, f"Deactivate {name}, take its control planes down {later()}"),
            (NOW, f"Deactivate {name}, take its control planes down at once"),
        ]
    return forms.ChoiceField(
        label=f"What becomes of {name}",
        choices=[
            ("", "Please choose"),
            *([("Hand it over to", handing_over)] if handing_over else []),
            ("Or end it", deactivating),
        ],
        help_text="" if handing_over else "To hand it over, first add somebody else to its team Organization Admin.",
        error_messages={
            "required": "Please choose what becomes of it.",
            "invalid_choice": "Please choose again: who was chosen can’t take it over any more.",
        },
    )
