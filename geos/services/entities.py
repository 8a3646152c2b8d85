"""What gateway control planes are configured with: services, and the consumers that call them (P11, P12).

Every change is a new version of the control plane's configuration, in the same transaction.
"""

from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from geos.errors import GeoRefusal
from geos.models import Consumer, ControlPlane, GatewayService
from geos.services.addresses import check_address
from geos.services.control_planes import hold_control_plane

PATHLESS = frozenset({"grpc", "grpcs", "tcp", "tls", "tls_passthrough", "udp"})
LONGEST = 256

type Entity = GatewayService | Consumer


@transaction.atomic
def create_service(
    organization_id: UUID,
    geo: str,
    control_plane_id: UUID,
    *,
    name: str,
    host: str,
    protocol: str = "http",
    port: int = 80,
    path: str = "",
    id: UUID | None = None,
) -> GatewayService:
    """Add a service to a gateway control plane.

    One form sent twice, told by `id`, gives the one it made. Raises GeoRefusal, ControlPlane.DoesNotExist, and the
    organization's DoesNotExist where it is not active; so do all of these.
    """
    made = GatewayService(id=id or uuid4(), name=name, host=host, protocol=protocol, port=port, path=path)
    return _add(made, hold_control_plane(organization_id, geo, control_plane_id), settings.SERVICES_MAX)


@transaction.atomic
def change_service(
    organization_id: UUID, geo: str, control_plane_id: UUID, id: UUID, **changes: Any
) -> GatewayService:
    """Change `name`, `host`, `protocol`, `port` or `path`; what is left out stays. GatewayService.DoesNotExist too."""
    control_plane = hold_control_plane(organization_id, geo, control_plane_id)
    return _change(GatewayService.objects.get(pk=id, control_plane=control_plane), changes)


@transaction.atomic
def delete_service(organization_id: UUID, geo: str, control_plane_id: UUID, id: UUID) -> None:
    """GatewayService.DoesNotExist where it is gone already."""
    control_plane = hold_control_plane(organization_id, geo, control_plane_id)
    _delete(GatewayService.objects.get(pk=id, control_plane=control_plane))


@transaction.atomic
def create_consumer(
    organization_id: UUID,
    geo: str,
    control_plane_id: UUID,
    *,
    username: str,
    custom_id: str = "",
    id: UUID | None = None,
) -> Consumer:
    """Add a consumer to a gateway control plane, as `create_service` does a service."""
    made = Consumer(id=id or uuid4(), username=username, custom_id=custom_id)
    return _add(made, hold_control_plane(organization_id, geo, control_plane_id), settings.CONSUMERS_MAX)


@transaction.atomic
def change_consumer(organization_id: UUID, geo: str, control_plane_id: UUID, id: UUID, **changes: Any) -> Consumer:
    """Change `username` or `custom_id`; what is left out stays. Consumer.DoesNotExist too."""
    control_plane = hold_control_plane(organization_id, geo, control_plane_id)
    return _change(Consumer.objects.get(pk=id, control_plane=control_plane), changes)


@transaction.atomic
def delete_consumer(organization_id: UUID, geo: str, control_plane_id: UUID, id: UUID) -> None:
    """Consumer.DoesNotExist where it is gone already."""
    control_plane = hold_control_plane(organization_id, geo, control_plane_id)
    _delete(Consumer.objects.get(pk=id, control_plane=control_plane))


def _add[Made: Entity](made: Made, control_plane: ControlPlane, limit: int) -> Made:
    made.control_plane = control_plane
    if control_plane.kind != ControlPlane.Kind.GATEWAY:
        raise GeoRefusal(
            f"{control_plane} is no gateway: only gateways are given services and consumers here.", "control_plane_id"
        )
    _check(made)
    there = _namesakes(made).filter(pk=made.pk).first()
    if there is not None:
        return there
    if type(made)._default_manager.filter(control_plane=control_plane).count() >= limit:
        raise GeoRefusal(f"{control_plane} has {limit} of them already, and cannot have more.", "object")
    if type(made)._default_manager.filter(pk=made.pk).exists():
        raise _taken(made)
    return _save(made)


def _change[Changed: Entity](changed: Changed, changes: dict[str, Any]) -> Changed:
    if all(getattr(changed, field) == value for field, value in changes.items()):
        return changed
    for field, value in changes.items():
        setattr(changed, field, value)
    _check(changed)
    return _save(changed)


def _save[Saved: Entity](saved: Saved) -> Saved:
    if _namesakes(saved).exclude(pk=saved.pk).exists():
        raise _taken(saved)
    saved.save()
    _count_version(saved.control_plane)
    return saved


def _delete(entity: Entity) -> None:
    _count_version(entity.control_plane)
    entity.delete()


def _count_version(control_plane: ControlPlane) -> None:
    """From now on there is another configuration to hand out (P13)."""
    ControlPlane.objects.filter(pk=control_plane.pk).update(configuration_version=F("configuration_version") + 1)


def _key(entity: Entity) -> str:
    """The field that tells it from the others of its control plane."""
    return "username" if isinstance(entity, Consumer) else "name"


def _namesakes(entity: Entity) -> QuerySet:
    key = _key(entity)
    rows = type(entity)._default_manager.filter(control_plane=entity.control_plane)
    return rows.filter(**{key: getattr(entity, key)})


def _taken(entity: Entity) -> GeoRefusal:
    key = _key(entity)
    return GeoRefusal(f"{entity.control_plane} has one by this {key} already. Choose another.", key, 409)


def _check(entity: Entity) -> None:
    _check_text(entity, _key(entity), 1)
    if isinstance(entity, Consumer):
        _check_text(entity, "custom_id", 0)
    else:
        _check_service(entity)


def _check_service(service: GatewayService) -> None:
    _check_text(service, "path", 0)
    check_address(service.protocol, service.host, service.port)
    if service.path and not service.path.startswith("/"):
        raise GeoRefusal("The path begins with a slash.", "path")
    if service.path and service.protocol in PATHLESS:
        raise GeoRefusal(f"A service by {service.protocol} has no path.", "path")


def _check_text(entity: Entity, field: str, shortest: int) -> None:
    text = getattr(entity, field)
    if not shortest <= len(text.strip()) <= len(text) <= LONGEST or "\x00" in text:
        raise GeoRefusal(f"The {field.replace('_', ' ')} has {shortest} to {LONGEST} characters.", field)
