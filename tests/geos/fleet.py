"""Nodes and zones in tests: what they send to which host with which credential, and what becomes of organizations."""

import json
from uuid import uuid4

from django.test import Client
from django.utils import timezone

from accounts import lifecycle
from accounts.words import Reason, Via
from geos.services import create_credential

VERSION = "3.11.0.0"


def credential(control_plane) -> str:
    return create_credential(control_plane.organization_id, control_plane.pk, title="test")[1]


def node(**changes) -> dict:
    return {
        "version": VERSION,
        "hostname": "node-1",
        "configuration_version": None,
        "license_id": None,
        "reported_at": timezone.now().isoformat(),
        **changes,
    }


def zone(**changes) -> dict:
    body = node(name="zone-1", data_planes=2, **changes)
    del body["hostname"]
    return body


def check_in(control_plane, raw, body=None, *, id=None, geo=None, kind=None, content=None, **more):
    """The answer to a check-in: of a node, or of a zone where the control plane is a mesh's, unless `kind` says so."""
    kind = kind or ("zones" if control_plane.kind == "mesh_global" else "nodes")
    body = body or (zone() if kind == "zones" else node())
    return Client(raise_request_exception=False).post(
        f"/v2/control-planes/{control_plane.pk}/{kind}/{id or uuid4()}/check-in",
        json.dumps(body) if content is None else content,
        **{"content_type": "application/json", **more},
        headers={"Host": f"{geo or control_plane.geo_id}.api.localhost", "Authorization": f"Bearer {raw}"},
    )


def deactivate(organization, actor, *, take_down_at=None):
    return lifecycle.deactivate_organizations(
        [organization.pk],
        reason=Reason.FRAUD,
        actor=actor,
        via=Via.ADMIN,
        ticket="T-1",
        take_down_at=take_down_at,
    )


def reactivate(organization, actor):
    return lifecycle.reactivate_organization(
        organization.pk, note="It was a mistake.", actor=actor, via=Via.ADMIN, ticket="T-2"
    )
