"""What nodes and zones sign in to a control plane with; each secret is shown once (P13)."""

from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from geos.forms import CredentialForm, add_refusal
from geos.models import ControlPlane
from geos.services import CredentialError, create_credential, revoke_credential
from geos.views.permitted import ControlPlaneRequest, acting_view

MANAGE = "geos.change_controlplanecredential"


@acting_view(MANAGE)
def new_credential(request: ControlPlaneRequest) -> HttpResponse:
    """The form, and after it the secret: this answer is the only place where it ever stands."""
    shown = request.control_plane
    form = CredentialForm(request.POST if request.method == "POST" else None)
    context = {"form": form, "control_plane": shown}
    if form.is_valid():
        try:
            made, secret = create_credential(request.organization.pk, shown.pk, **form.cleaned_data)
            context |= {"credential": made, "secret": secret, "check_in_url": _check_in_url(request)}
            return render(request, "geos/made_credential.html", context)
        except CredentialError as error:
            add_refusal(form, error)
    return render(request, "geos/new_credential.html", context)


@acting_view(MANAGE)
def end_credential(request: ControlPlaneRequest, credential_id: UUID) -> HttpResponse:
    shown = request.control_plane
    credential = get_object_or_404(shown.credentials, pk=credential_id)
    if request.method != "POST":
        return render(request, "geos/revoke_credential.html", {"credential": credential, "control_plane": shown})
    if revoke_credential(request.organization.pk, shown.pk, credential_id):
        messages.success(request, f"{credential} was revoked. Whoever uses it is refused from now on.")
    else:
        messages.info(request, f"{credential} had been revoked before. Nothing was changed.")
    return redirect("control_plane", shown.pk)


def _check_in_url(request: ControlPlaneRequest) -> str:
    """Where a first node or zone would check in: at the API's host of the geo, reached as this page was."""
    shown = request.control_plane
    _, colon, port = request.get_host().partition(":")
    host = f"{request.scheme}://{shown.geo_id}.{settings.API_HOST}{colon}{port}"
    what = "zones" if shown.kind == ControlPlane.Kind.MESH_GLOBAL else "nodes"
    return f"{host}/v2/control-planes/{shown.pk}/{what}/{uuid4()}/check-in"
