"""A role to be given: which one of its type, and how far it reaches."""

from collections.abc import Iterable
from typing import cast

from django import forms

from accounts.catalogue import CATALOGUE, EVERYWHERE, ORGANIZATION_WIDE
from geos.models import ControlPlane, Geo
from konnect_portal.foundation.choices import Described


class RoleForm(forms.Form):
    """One question says geo and entity, since a control plane lies in one geo: nothing can contradict itself.

    For a role of what all geos share it is not asked.
    """

    role_name = forms.ChoiceField(
        label="Role", widget=forms.RadioSelect, error_messages={"required": "Please choose a role."}
    )
    reach = forms.ChoiceField(
        label="Where it holds",
        initial=EVERYWHERE,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Please choose one of those that are there now."),
    )

    def __init__(
        self, *args, entity_type_name: str, geos: Iterable[Geo], control_planes: Iterable[ControlPlane], **kwargs
    ):
        super().__init__(*args, **kwargs)
        self.control_planes = {str(each.pk): each for each in control_planes}
        role_name, reach = (cast(forms.ChoiceField, field) for field in self.fields.values())
        roles = CATALOGUE[entity_type_name].items()
        role_name.choices = [(name, Described(name, text)) for name, text in roles]
        reach.choices = list(self._reaches(geos))
        if entity_type_name in ORGANIZATION_WIDE:
            del self.fields["reach"]

    @property
    def limits(self) -> dict:
        """`entity_id` and `entity_region` as the service takes them."""
        reach = self.cleaned_data.get("reach", EVERYWHERE)
        chosen = self.control_planes.get(reach)
        if chosen is None:
            return {"entity_region": reach}
        return {"entity_id": chosen.pk, "entity_region": chosen.geo_id}

    def _reaches(self, geos):
        yield EVERYWHERE, "In every geo"
        yield "In one geo", [(geo.code, geo.name) for geo in geos]
        if self.control_planes:
            yield "For a single one", [(id, f"{each.name}, {each.geo}") for id, each in self.control_planes.items()]
