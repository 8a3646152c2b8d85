"""Giving people, system accounts and custom teams a role of the catalogue, and taking it away (P4)."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts.access import OrganizationRequest
from accounts.catalogue import CATALOGUE, ENTITIES_KNOWN
from accounts.forms.roles import RoleForm
from accounts.models import Team
from accounts.services.holders import Holder
from accounts.services.role_assignments import RoleError, assign_role, remove_role
from accounts.views.acting import acting
from accounts.views.held import shown
from accounts.views.holders import MANAGE_PEOPLE, find_holder, go_on, holder_view, named, url_of
from geos.services import active_control_planes, all_geos


@holder_view(MANAGE_PEOPLE)
def new_role(request: OrganizationRequest, **name: Any) -> HttpResponse:
    """First what the role is for, then which one and where it holds. A predefined team is given none: 404."""
    holder = find_holder(request, **name)
    if isinstance(holder, Team) and holder.is_predefined:
        raise Http404
    type_name = request.GET.get("for", "")
    context = {"holder": holder, "back": url_of(holder)}
    if type_name not in CATALOGUE:
        return render(request, "accounts/holders/role_types.html", {**context, "catalogue": CATALOGUE})
    form = _form(request, type_name)
    if form.is_valid() and _give(request, holder, type_name, form):
        return redirect(url_of(holder))
    return render(request, "accounts/holders/new_role.html", {**context, "form": form, "type_name": type_name})


@holder_view(MANAGE_PEOPLE)
def take_role_away(request: OrganizationRequest, id: UUID, **name: Any) -> HttpResponse:
    """Asks first. A role that comes through a team is the team's: 404."""
    holder = find_holder(request, **name)
    if request.method != "POST":
        mine = holder.role_assignments.filter(organization=request.organization.pk)
        [held] = shown(request, holder, [get_object_or_404(mine, pk=id)])
        context = {"holder": holder, "held": held, "back": url_of(holder)}
        return render(request, "accounts/holders/remove_role.html", context)
    if remove_role(request.organization.pk, id, **name, **acting(request)):
        messages.success(request, f"The role was taken away from {holder}.")
    else:
        messages.info(request, f"{holder} did not have that role any more. Nothing was changed.")
    return go_on(request, url_of(holder))


def _form(request: OrganizationRequest, type_name: str) -> RoleForm:
    known = active_control_planes(request.organization.pk) if type_name in ENTITIES_KNOWN else []
    return RoleForm(
        request.POST if request.method == "POST" else None,
        entity_type_name=type_name,
        geos=all_geos(),
        control_planes=[each for each in known if each.entity_type_name == type_name],
    )


def _give(request: OrganizationRequest, holder: Holder, type_name: str, form: RoleForm) -> bool:
    asked: dict[str, Any] = {"role_name": form.cleaned_data["role_name"], "entity_type_name": type_name, **form.limits}
    try:
        _, is_new = assign_role(request.organization.pk, **asked, **named(holder), **acting(request))
    except RoleError as error:  # the control plane has gone since the form was read
        form.add_error("reach", str(error))
        return False
    what = f"{asked['role_name']} of {type_name}"
    if is_new:
        messages.success(request, f"{holder} was given {what}.")
    else:
        messages.info(request, f"{holder} had {what} there already. Nothing was changed.")
    return True
