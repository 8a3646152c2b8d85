"""Control planes, and what they are configured with and signed in to by."""

from collections.abc import Collection, Iterable
from typing import Any, cast
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError

from geos.errors import GeoRefusal
from geos.models import ControlPlane
from geos.services import WHAT_A_GEO_MEANS, CredentialError
from geos.services.addresses import PROTOCOLS
from konnect_portal.foundation.choices import Described
from konnect_portal.foundation.labels import LabelsField

LONGEST = 256
CHOOSE_A_KIND = "Please choose one of these kinds."
CHOOSE_A_GEO = "Please choose one of these geos."
CHOOSE_A_PORT = "Please choose a port from 1 to 65535."
NOT_THERE = "You may not make a control plane of this kind there. Choose another kind or geo."
WHAT_A_KIND_MEANS = {
    ControlPlane.Kind.GATEWAY: "Configures nodes of Kong Gateway that you run anywhere: services and consumers.",
    ControlPlane.Kind.KIC: "Shows ingress controllers of Kubernetes, which are configured in their own clusters.",
    ControlPlane.Kind.MESH_GLOBAL: "Hands policies to mesh zones, each with data planes of its own.",
}


class ControlPlaneForm(forms.Form):
    """What people say of a control plane."""

    name = forms.CharField(max_length=LONGEST, error_messages={"required": "Please give the control plane a name."})
    description = forms.CharField(
        max_length=2048, required=False, widget=forms.Textarea, help_text="What runs here, for whoever looks after it."
    )
    labels = LabelsField(required=False, help_text="One a line, such as env: test.")


class NewControlPlaneForm(ControlPlaneForm):
    """A control plane to be made, one of those that `possible` names, whose geos are as `opened_geos` gives them.

    `id` is its id, so that a form sent twice makes one.
    """

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    kind = forms.ChoiceField(
        widget=forms.RadioSelect,
        error_messages={"required": CHOOSE_A_KIND, "invalid_choice": CHOOSE_A_KIND},
    )
    geo = forms.ChoiceField(
        widget=forms.RadioSelect,
        help_text=f"{WHAT_A_GEO_MEANS} It stays in the geo that it is made in.",
        error_messages={"required": CHOOSE_A_GEO, "invalid_choice": CHOOSE_A_GEO},
    )
    field_order = ["id", "kind", "name", "geo", "description", "labels"]

    def __init__(self, *args, possible: Collection[ControlPlane], **kwargs):
        super().__init__(*args, **kwargs)
        self.possible = {(each.kind, each.geo_id) for each in possible}
        kinds = [kind for kind in ControlPlane.Kind if any(each.kind == kind for each in possible)]
        geos: Iterable[Any] = dict.fromkeys(each.geo for each in possible)
        self._choose("kind", [(kind.value, Described(kind.label, WHAT_A_KIND_MEANS[kind])) for kind in kinds])
        self._choose(
            "geo",
            [
                (geo.pk, Described(geo.name, "Home" if geo.is_home else ""))
                for geo in sorted(geos, key=lambda geo: not geo.is_home)
            ],
        )

    def _choose(self, name: str, choices: list[tuple[str, Described]]) -> None:
        field = cast(forms.ChoiceField, self.fields[name])
        field.choices = choices
        field.initial = choices[0][0]

    def clean(self):
        chosen = self.cleaned_data
        if {"kind", "geo"} <= chosen.keys() and (chosen["kind"], chosen["geo"]) not in self.possible:
            raise ValidationError(NOT_THERE)
        return chosen


class ServiceForm(forms.Form):
    """Where a gateway passes requests on to."""

    name = forms.CharField(max_length=LONGEST, error_messages={"required": "Please give the service a name."})
    protocol = forms.ChoiceField(choices=[(name, name) for name in PROTOCOLS], initial="https")
    host = forms.CharField(
        max_length=253,
        help_text="A name or an IP address, such as api.acme.example.",
        error_messages={"required": "Please say which host answers."},
    )
    port = forms.IntegerField(
        min_value=1,
        max_value=65535,
        initial=443,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), CHOOSE_A_PORT),
    )
    path = forms.CharField(max_length=LONGEST, required=False, help_text="It begins with a slash, such as /v1.")


class NewServiceForm(ServiceForm):
    """A service to be made. `id` is its id, so that a form sent twice makes one."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class ConsumerForm(forms.Form):
    """Who calls the services of a gateway."""

    username = forms.CharField(max_length=LONGEST, error_messages={"required": "Please name the consumer."})
    custom_id = forms.CharField(
        label="Id of your own",
        max_length=LONGEST,
        required=False,
        help_text="What the consumer is called elsewhere, such as in your customer database.",
    )


class NewConsumerForm(ConsumerForm):
    """A consumer to be made. `id` is its id, so that a form sent twice makes one."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class CredentialForm(forms.Form):
    """A credential to be made. `id` is its id, so that a form sent twice makes one."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    title = forms.CharField(
        max_length=100,
        help_text="What will use it, such as berlin or staging.",
        error_messages={"required": "Please give the credential a title."},
    )


def add_refusal(form: forms.Form, refusal: GeoRefusal | CredentialError) -> None:
    """Say what a service refused: beside the field that it is about, or above the form."""
    field = refusal.field.partition(".")[0]
    form.add_error(field if field in form.fields else None, str(refusal))
