"""What simulated nodes need of the database beside them: control planes, credentials, and whom they play."""

from collections.abc import Collection, Iterator
from itertools import cycle
from uuid import UUID, uuid4

from geos.models import ControlPlane
from geos.services.check_ins import NODES, ZONES
from geos.services.credentials import create_credential, revoke_credential
from geos.simulating import SimulatedNode
from konnect_portal.foundation.organizations import ACTIVE

TITLE = "Simulated nodes"
CONTROL_PLANES = 12
"""How many are taken where none are named."""
VERSIONS = {
    ControlPlane.Kind.GATEWAY: ("3.4.3.21", "3.8.1.2", "3.10.0.6", "3.11.0.3"),
    ControlPlane.Kind.KIC: ("3.4.9", "3.5.2"),
    ControlPlane.Kind.MESH_GLOBAL: ("2.9.8", "2.11.5"),
}


def simulated_nodes(count: int, control_plane_ids: Collection[UUID] = ()) -> list[SimulatedNode]:
    """So many nodes and zones, spread over these control planes, or over a dozen where none are named.

    They play those that are there already, and new ones where these are too few. Each control plane gets a credential
    for them, in place of the one of an earlier simulation.
    """
    serving = ControlPlane.objects.active().filter(organization__state=ACTIVE).order_by("pk")
    chosen = list(serving.filter(pk__in=control_plane_ids) if control_plane_ids else serving[:CONTROL_PLANES])
    shares = [len(range(start, count, len(chosen))) for start in range(len(chosen))]
    return [node for plane, share in zip(chosen, shares, strict=True) if share for node in _nodes(plane, share)]


def _nodes(control_plane: ControlPlane, count: int) -> Iterator[SimulatedNode]:
    raw = _credential(control_plane)
    family = ZONES if control_plane.kind in ZONES.kinds else NODES
    there = family.model._default_manager.filter(control_plane=control_plane).order_by("created_at", "pk")
    named = [(row.pk, str(row)) for row in there[:count]]
    named += [(uuid4(), f"{control_plane.name[:200]}-simulated-{number}") for number in range(len(named), count)]
    versions = cycle(VERSIONS[ControlPlane.Kind(control_plane.kind)])
    for (id, name), version in zip(named, versions, strict=False):
        yield SimulatedNode(
            id=id,
            family=family.relation,
            name=name,
            version=version,
            control_plane_id=control_plane.pk,
            geo=control_plane.geo_id,
            credential=raw,
        )


def _credential(control_plane: ControlPlane) -> str:
    for old in control_plane.credentials.live().filter(title=TITLE):
        revoke_credential(control_plane.organization_id, control_plane.pk, old.pk)
    return create_credential(control_plane.organization_id, control_plane.pk, title=TITLE)[1]
