"""Check-ins of data plane nodes, KIC associations and mesh zones (P13, P43).

A known one costs one statement, in a new minute one more; what it is handed out is read by statements of their own,
each of which asks anew whether its control plane still serves. So nothing is handed out by a statement that began
after a deactivation was committed (P42).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models import Case, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, JSONObject
from django.utils.module_loading import import_string

from geos.errors import GeoRefusal
from geos.models import Consumer, ControlPlane, ControlPlaneCredential, DataPlaneNode, GatewayService, MeshZone
from geos.services.credentials import PREFIX
from konnect_portal.foundation.organizations import ACTIVE, hold_organization
from konnect_portal.foundation.tokens import SECRET_LENGTH, digest_of

NEVER = datetime.min.replace(tzinfo=UTC)
RAW = re.compile(rf"{PREFIX}[A-Za-z0-9]{{{SECRET_LENGTH}}}")
PRODUCTS = {
    ControlPlane.Kind.GATEWAY: "gateway",
    ControlPlane.Kind.KIC: "kic",
    ControlPlane.Kind.MESH_GLOBAL: "mesh",
}
"""Which license what hangs on a control plane receives (P21)."""

GONE = (
    "This control plane takes no new ones any more: it was deleted, or its organization was deactivated. "
    "What is running goes on running; whoever operates it can stop it, or let it check in with another control plane."
)


@dataclass(frozen=True)
class Family:
    """Those that check in in the same way: their rows, what a control plane calls them, and under which kinds."""

    model: type[DataPlaneNode] | type[MeshZone]
    relation: str
    kinds: frozenset[ControlPlane.Kind]


NODES = Family(DataPlaneNode, "nodes", frozenset({ControlPlane.Kind.GATEWAY, ControlPlane.Kind.KIC}))
ZONES = Family(MeshZone, "zones", frozenset({ControlPlane.Kind.MESH_GLOBAL}))


@dataclass(frozen=True)
class Standing:
    """What the door has found out in one statement: whose credential it is, what holds there, who checks in.

    `last_check_in_at` is None where it is not known yet, NEVER where it was imported.
    """

    control_plane_id: UUID
    organization_id: UUID
    geo: str
    kind: str
    state: str
    organization_state: str
    configuration_version: int
    product: str
    license_id: UUID | None
    last_check_in_at: datetime | None

    @property
    def is_serving(self) -> bool:
        """Whether configuration and licenses are handed out (P42, P43)."""
        return self.state == ControlPlane.State.ACTIVE and self.organization_state == ACTIVE


@dataclass(frozen=True)
class Answer:
    """What the one that checked in is told; None for what it has already or is not given."""

    configuration_version: int
    configuration: dict[str, Any] | None = None
    license: Any = None


def find_standing(raw: str, family: Family, id: UUID) -> Standing | None:
    """Whose credential `raw` is, and how the one with that id stands there; None where it is no live credential."""
    if not RAW.fullmatch(raw):
        return None
    known = family.model._default_manager.filter(pk=id, control_plane=OuterRef("control_plane"))
    rows = (
        ControlPlaneCredential.objects.live()
        .filter(digest=digest_of(raw))
        .annotate(
            product=Case(*(When(control_plane__kind=kind, then=Value(name)) for kind, name in PRODUCTS.items())),
            license=_licenses("live_id")(OuterRef("control_plane__organization"), OuterRef("product")),
            last_check_in_at=Subquery(known.values(at=Coalesce("last_check_in_at", NEVER))),
        )
    )
    row = rows.values_list(
        "control_plane",
        "control_plane__organization",
        "control_plane__geo",
        "control_plane__kind",
        "control_plane__state",
        "control_plane__organization__state",
        "control_plane__configuration_version",
        "product",
        "license",
        "last_check_in_at",
    ).first()
    return Standing(*row) if row else None


def check_in(standing: Standing, family: Family, id: UUID, said: Mapping[str, Any], *, at: datetime) -> Answer:
    """Record that it is there, and answer with what it lacks.

    `said` are columns of its row, kept as it said them. One that is not known yet is registered, which raises
    GeoRefusal where it cannot be.
    """
    if standing.last_check_in_at is None:
        _register(standing, family, id, said, at)
    elif standing.last_check_in_at < _minute(at):
        _record(family, id, said, at)
    return _answer(standing, id, said, at)


def _record(family: Family, id: UUID, said: Mapping[str, Any], at: datetime) -> None:
    """The latest check-in to the minute; of two at once the second finds it recorded. A zone keeps its name."""
    before = Q(last_check_in_at=None) | Q(last_check_in_at__lt=_minute(at))
    told = {column: value for column, value in said.items() if column != "name"}
    family.model._default_manager.filter(before, pk=id).update(**told, last_check_in_at=at)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


@transaction.atomic
def _register(standing: Standing, family: Family, id: UUID, said: Mapping[str, Any], at: datetime) -> None:
    """Its first check-in. The organization is held, so that none is registered once a deactivation is committed."""
    try:
        hold_organization(standing.organization_id)
    except ObjectDoesNotExist:
        raise GeoRefusal(GONE, "object", 410) from None
    if not ControlPlane.objects.active().filter(pk=standing.control_plane_id).exists():
        raise GeoRefusal(GONE, "object", 410)
    rows = family.model._default_manager
    limit = settings.NODES_MAX
    if rows.filter(control_plane=standing.control_plane_id)[:limit].count() >= limit:
        raise GeoRefusal(f"This control plane has {limit} {family.relation} already.", "object", 409)
    values = {**said, "control_plane_id": standing.control_plane_id, "created_at": at, "last_check_in_at": at}
    try:
        made, _is_new = rows.get_or_create(pk=id, defaults=values)
    except IntegrityError:
        raise GeoRefusal(f"There is a zone called {said['name']} already.", "name", 409) from None
    if made.control_plane_id != standing.control_plane_id:
        raise GeoRefusal("This id is another's already. Choose a new one, a random UUID.", "object", 409)


def _answer(standing: Standing, id: UUID, said: Mapping[str, Any], at: datetime) -> Answer:
    version, configuration, license = standing.configuration_version, None, None
    if standing.is_serving and said["configuration_version"] != version:
        version, configuration = _configuration(standing)
    if standing.is_serving and standing.license_id not in (None, said["license_id"]):
        license = _deliver_license(standing, id, at)
    return Answer(version, configuration, license)


def _configuration(standing: Standing) -> tuple[int, dict[str, Any] | None]:
    """The version and what it consists of, in one statement; None where the control plane has stopped serving."""
    serving = ControlPlane.objects.active().filter(pk=standing.control_plane_id, organization__state=ACTIVE)
    found = serving.order_by("pk").values_list("configuration_version", _parts(standing.kind)).first()
    return found or (standing.configuration_version, None)


def _parts(kind: str) -> JSONObject:
    if kind == ControlPlane.Kind.MESH_GLOBAL:
        return JSONObject(mesh=JSONObject(id="pk", name="name", labels="labels"))
    return JSONObject(
        services=_under(GatewayService, "name", "protocol", "host", "port", "path"),
        consumers=_under(Consumer, "username", "custom_id"),
    )


def _under(model: type[GatewayService] | type[Consumer], *columns: str) -> ArraySubquery:
    rows = model._default_manager.filter(control_plane=OuterRef("pk")).order_by(columns[0])
    return ArraySubquery(rows.values(row=JSONObject(id="pk", **{column: column for column in columns})))


def _deliver_license(standing: Standing, id: UUID, at: datetime) -> Any:
    """The live license, recorded as received; None where it has lapsed since (P46)."""
    license = _licenses("to_deliver")(standing.organization_id, standing.product)
    if license is not None:
        _licenses("record")(license.pk, [id], at)
    return license


def _licenses(act: str) -> Callable[..., Any]:
    return import_string(settings.NODE_LICENSES[act])
