"""People, system accounts and teams, of one address each, as the pages that they share find and name them."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts.access import OrganizationRequest
from accounts.models import SystemAccount, Team, User
from accounts.services.holders import Holder, columns_of
from konnect_portal.foundation.pages import View, organization_view

MANAGE_PEOPLE = "accounts.manage_people"
GONE = (User.DoesNotExist, SystemAccount.DoesNotExist, Team.DoesNotExist)


def holder_view(perm: str) -> Callable[[View], View]:
    """`organization_view` for what concerns one of them: 404 for whoever is not of the organization, or no more."""

    def decorate(view: View) -> View:
        @organization_view(perm)
        @wraps(view)
        def page(request: OrganizationRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except GONE:
                raise Http404 from None

        return page

    return decorate


def find_holder(
    request: OrganizationRequest,
    *,
    user_id: UUID | None = None,
    system_account_id: UUID | None = None,
    team_id: UUID | None = None,
) -> Holder:
    """Whom an address names, as services do; DoesNotExist where the organization entered has nobody such."""
    organization = request.organization.pk
    if user_id is not None:
        return User.objects.get(pk=user_id, memberships__organization=organization)
    if system_account_id is not None:
        return SystemAccount.objects.get(pk=system_account_id, organization=organization)
    assert team_id is not None
    return Team.objects.get(pk=team_id, organization=organization)


def named(holder: Holder) -> dict[str, Any]:
    """A holder as services and addresses name them."""
    return {f"{column}_id": each.pk for column, each in columns_of(holder).items()}


def url_of(holder: Holder) -> str:
    """Their page."""
    match holder:
        case User():
            return reverse("member", args=[holder.pk])
        case SystemAccount():
            return reverse("system_account", args=[holder.pk])
    return reverse("team", args=[holder.pk])


def go_on(request: OrganizationRequest, url: str) -> HttpResponse:
    """To where people are managed, or home for whoever has just taken that right from themselves."""
    return redirect(url if may(request, MANAGE_PEOPLE) else "home")


def may(request: OrganizationRequest, perm: str) -> bool:
    return request.user.has_perm(perm, request.organization)


def person_has(search: str, prefix: str = "") -> Q:
    """Whether a person, to whom `prefix` leads, has `search` in name or address."""
    return Q(**{f"{prefix}full_name__icontains": search}) | Q(**{f"{prefix}email__icontains": search})
