"""What nodes and zones identify themselves with: made here, shown once, stored as a hash (P13)."""

from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from geos.models import ControlPlane, ControlPlaneCredential
from konnect_portal.foundation.organizations import hold_organization
from konnect_portal.foundation.tokens import new_token

PREFIX = "kcp_"
LIVE_AT_MOST = 32
TITLE_LENGTH_MAX = 100

MADE_ALREADY = (
    "This form was sent before and made its credential, whose secret was shown then. "
    "If you have not kept it, revoke that credential and make another one."
)


class CredentialError(Exception):
    """Nothing changed; the text says why, worded for people. `field` is what it is about, empty where it is none."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


@transaction.atomic
def create_credential(
    organization_id: UUID, control_plane_id: UUID, *, title: str, id: UUID | None = None
) -> tuple[ControlPlaneCredential, str]:
    """Make a credential of an active control plane; returns it with the secret, which is nowhere else.

    `id` tells one form sent twice from two forms. Raises CredentialError, ControlPlane.DoesNotExist, and the
    organization's DoesNotExist where it is not active.
    """
    title = _checked(title)
    hold_organization(organization_id)
    control_plane = ControlPlane.objects.get(pk=control_plane_id, organization=organization_id)
    if control_plane.state != ControlPlane.State.ACTIVE:
        raise CredentialError(f"{control_plane.name} is being taken down, so nothing new can sign in to it.")
    id = id or uuid4()
    if ControlPlaneCredential.objects.filter(pk=id).exists():
        raise CredentialError(MADE_ALREADY)
    if control_plane.credentials.live().count() >= LIVE_AT_MOST:
        raise CredentialError(f"{control_plane.name} has {LIVE_AT_MOST} credentials already. Revoke one first.")
    raw, digest = new_token(PREFIX)
    return control_plane.credentials.create(id=id, title=title, digest=digest), raw


@transaction.atomic
def revoke_credential(organization_id: UUID, control_plane_id: UUID, id: UUID) -> bool:
    """End a credential for good; False where it has ended already. What nodes have received they keep.

    Raises ControlPlaneCredential.DoesNotExist, and the organization's where it is not active.
    """
    hold_organization(organization_id)
    credential = ControlPlaneCredential.objects.get(
        pk=id, control_plane=control_plane_id, control_plane__organization=organization_id
    )
    live = ControlPlaneCredential.objects.live().filter(pk=credential.pk)
    return bool(live.update(revoked_at=timezone.now()))


def _checked(title: str) -> str:
    title = title.strip()
    if not title or len(title) > TITLE_LENGTH_MAX or "\x00" in title:
        raise CredentialError(f"A title has 1 to {TITLE_LENGTH_MAX} characters.", "title")
    return title
