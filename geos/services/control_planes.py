"""Control planes, made, changed and ended by whoever may in their organization (P10 to P12)."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from geos.errors import GeoRefusal
from geos.models import ControlPlane, Geo
from geos.services.addresses import check_address
from geos.services.decommissioning import decommission_control_plane
from geos.services.hastening import hint_take_down
from geos.services.opening_geos import opened_geos
from konnect_portal.foundation.labels import LabelError, check_labels
from konnect_portal.foundation.organizations import hold_organization

PROXY_URLS_AT_MOST = 5


class ProxyUrl(TypedDict):
    """Where nodes of a control plane answer, for people to read."""

    protocol: str
    host: str
    port: int


@transaction.atomic
def create_control_plane(
    organization_id: UUID,
    *,
    geo: str,
    kind: ControlPlane.Kind,
    name: str,
    description: str = "",
    labels: Mapping[str, str] | None = None,
    auth_type: ControlPlane.AuthType = ControlPlane.AuthType.PINNED,
    proxy_urls: Sequence[ProxyUrl] = (),
    id: UUID | None = None,
) -> ControlPlane:
    """Make a control plane in a geo that the organization has opened (P10, P12).

    One form sent twice, told by `id`, gives the one it made. Raises GeoRefusal, and the organization's
    DoesNotExist where it is not active.
    """
    made = ControlPlane(
        id=id or uuid4(),
        organization_id=organization_id,
        geo_id=geo,
        kind=kind,
        name=name,
        description=description,
        labels=dict(labels or {}),
        auth_type=auth_type,
        proxy_urls=list(proxy_urls),
    )
    _check(made)
    made.organization = organization = hold_organization(organization_id)
    mine = ControlPlane.objects.active().filter(organization=organization_id)
    there = mine.filter(pk=made.pk, geo=geo, name=name).first()
    if there is not None:
        return there
    made.geo = _opened_geo(organization, geo)
    if mine.count() >= settings.CONTROL_PLANES_MAX:
        raise GeoRefusal(f"{organization} has {mine.count()} control planes already, and cannot have more.", "object")
    _check_name_free(made)
    made.save(force_insert=True)
    return made


@transaction.atomic
def change_control_plane(
    organization_id: UUID,
    geo: str,
    id: UUID,
    *,
    name: str | None = None,
    description: str | None = None,
    labels: Mapping[str, str] | None = None,
    auth_type: ControlPlane.AuthType | None = None,
    proxy_urls: Sequence[ProxyUrl] | None = None,
) -> ControlPlane:
    """Change what is said of a control plane; None leaves it as it is.

    Raises GeoRefusal, ControlPlane.DoesNotExist, and the organization's DoesNotExist.
    """
    control_plane = hold_control_plane(organization_id, geo, id)
    wanted = {
        "name": name,
        "description": description,
        "labels": labels,
        "auth_type": auth_type,
        "proxy_urls": proxy_urls,
    }
    changes = {field: value for field, value in wanted.items() if value not in (None, getattr(control_plane, field))}
    if not changes:
        return control_plane
    for field, value in changes.items():
        setattr(control_plane, field, value)
    _check(control_plane)
    _check_name_free(control_plane)
    control_plane.save(update_fields=[*changes, "updated_at"])
    return control_plane


@transaction.atomic
def delete_control_plane(organization_id: UUID, geo: str, id: UUID) -> None:
    """Decommission one control plane, for good: no configuration from the commit on, taken down at once (P42).

    Its nodes and zones are left running (P43). One that is being taken down already is not there any more:
    ControlPlane.DoesNotExist. Raises the organization's DoesNotExist besides.
    """
    control_plane = hold_control_plane(organization_id, geo, id)
    decommission_control_plane(control_plane.pk, at=timezone.now())
    hint_take_down([geo])


def hold_control_plane(organization_id: UUID, geo: str, id: UUID) -> ControlPlane:
    """An active control plane of an organization in a geo (P11), while something of it is changed.

    The organization is held: what ends, restores or changes a control plane holds it first.
    """
    organization = hold_organization(organization_id)
    return ControlPlane.objects.active().select_related("geo").get(pk=id, organization=organization, geo=geo)


def _check(control_plane: ControlPlane) -> None:
    is_mesh = control_plane.kind == ControlPlane.Kind.MESH_GLOBAL
    shortest, longest, description_longest = (1, 100, 250) if is_mesh else (2, 256, 2048)
    name, description = control_plane.name, control_plane.description
    if not shortest <= len(name.strip()) <= len(name) <= longest or "\x00" in name:
        raise GeoRefusal(f"The name of such a control plane has {shortest} to {longest} characters.")
    if len(description) > description_longest or "\x00" in description:
        raise GeoRefusal(
            f"The description of such a control plane has {description_longest} characters at most.", "description"
        )
    try:
        check_labels(control_plane.labels)
    except LabelError as error:
        raise GeoRefusal(str(error), error.field) from None
    _check_proxy_urls(control_plane.proxy_urls)


def _check_proxy_urls(urls: Sequence[ProxyUrl]) -> None:
    if len(urls) > PROXY_URLS_AT_MOST:
        raise GeoRefusal(f"There can be {PROXY_URLS_AT_MOST} proxy URLs at most; these are {len(urls)}.", "proxy_urls")
    for number, url in enumerate(urls):
        if url in urls[:number]:
            raise GeoRefusal("A proxy URL is there twice.", f"proxy_urls.{number}")
        check_address(**url, within=f"proxy_urls.{number}.")


def _opened_geo(organization: Any, code: str) -> Geo:
    geo = Geo.objects.filter(pk=code).first()
    if geo is None or not opened_geos(organization.pk).contains(geo):
        raise GeoRefusal(
            f"{organization} has not opened {geo or code}. Whoever manages its settings can do that.", "geo"
        )
    return geo


def _check_name_free(control_plane: ControlPlane) -> None:
    """What is being taken down keeps its name until its geo has confirmed."""
    namesakes = ControlPlane.objects.exclude(state=ControlPlane.State.DECOMMISSIONED).filter(
        organization=control_plane.organization_id, geo=control_plane.geo_id, name=control_plane.name
    )
    if namesakes.exclude(pk=control_plane.pk).exists() or _is_anothers_id(control_plane):
        raise GeoRefusal(
            f"There is a control plane by this name in {control_plane.geo} already, or one that is still being taken "
            "down. Choose another name.",
            status=409,
        )


def _is_anothers_id(control_plane: ControlPlane) -> bool:
    return control_plane._state.adding and ControlPlane.objects.filter(pk=control_plane.pk).exists()
