"""Inviting people, and the invitations that wait for an answer (P7)."""

from uuid import UUID

from allauth.core import ratelimit
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import OrganizationRequest
from accounts.forms.people import InviteForm
from accounts.models import Invitation
from accounts.services.invitations import (
    InvitationsRefused,
    invite_people,
    resend_invitation,
    revoke_invitation,
)
from accounts.services.waiting import waiting_in
from accounts.views.acting import acting
from konnect_portal.foundation.pages import organization_view

READ, MANAGE = "accounts.view_user", "accounts.manage_people"
TOO_OFTEN = "Invitations were sent very often in the last minutes. Nothing was sent now. Please try again later."


@require_safe
@organization_view(READ)
def invitations(request: OrganizationRequest) -> HttpResponse:
    page, rows = waiting_in(request.organization.pk, after=request.GET.get("after"))
    may_manage = request.user.has_perm(MANAGE, request.organization)
    context = {"page": page, "rows": rows, "now": timezone.now(), "may_manage": may_manage}
    return render(request, "accounts/people/invitations.html", context)


@organization_view(MANAGE)
def invite(request: OrganizationRequest) -> HttpResponse:
    form = InviteForm(request.POST if request.method == "POST" else None, organization_id=request.organization.pk)
    if form.is_valid() and _invite(request, form):
        return redirect("invitations")
    return render(request, "accounts/people/invite.html", {"form": form})


@organization_view(MANAGE)
def resend(request: OrganizationRequest, id: UUID) -> HttpResponse:
    invitation = _find(request, id)
    if request.method == "POST":
        if not _may_send(request):
            messages.error(request, TOO_OFTEN)
        else:
            _resend(request, invitation)
    return redirect("invitations")


@organization_view(MANAGE)
def revoke(request: OrganizationRequest, id: UUID) -> HttpResponse:
    invitation = _find(request, id)
    if request.method == "POST":
        if revoke_invitation(request.organization.pk, id, **acting(request)):
            messages.success(request, f"The invitation of {invitation.email} was revoked. Its link no longer works.")
        else:
            messages.info(request, _ended(invitation))
    return redirect("invitations")


def _invite(request: OrganizationRequest, form: InviteForm) -> bool:
    if not _may_send(request):
        form.add_error(None, TOO_OFTEN)
        return False
    wanted = form.cleaned_data
    try:
        made = invite_people(
            request.organization.pk,
            wanted["emails"],
            team_ids=[team.pk for team in wanted["teams"]],
            id=wanted["id"],
            **acting(request),
        )
    except InvitationsRefused as refused:
        form.refuse(refused)
        return False
    whom = made[0].email if len(made) == 1 else f"{len(made)} people"
    messages.success(request, f"We write to {whom}.")
    return True


def _resend(request: OrganizationRequest, invitation: Invitation) -> None:
    try:
        resend_invitation(request.organization.pk, invitation.pk, **acting(request))
    except Invitation.DoesNotExist:
        messages.info(request, _ended(invitation))
    else:
        messages.success(request, f"We write to {invitation.email} once more. The link before no longer works.")


def _may_send(request: OrganizationRequest) -> bool:
    return bool(ratelimit.consume(request, action="invite", key=str(request.organization.pk)))


def _find(request: OrganizationRequest, id: UUID) -> Invitation:
    return get_object_or_404(Invitation, organization=request.organization.pk, pk=id)


def _ended(invitation: Invitation) -> str:
    return f"The invitation of {invitation.email} had been accepted or revoked before. Nothing was changed."
