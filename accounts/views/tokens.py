"""Personal tokens of the person, and system accounts of the organization with theirs (P5)."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import OrganizationRequest
from accounts.forms.tokens import NewSystemAccountForm, SystemAccountForm, TokenForm
from accounts.models import AccessToken, SystemAccount
from accounts.services.system_accounts import (
    SystemAccountError,
    change_system_account,
    create_system_account,
    delete_system_account,
)
from accounts.services.tokens import LIVE_AT_MOST, TokenError, create_token, revoke_token
from accounts.views.acting import acting
from accounts.views.held import teams_and_roles_of
from accounts.views.holders import holder_view
from konnect_portal.foundation.pages import organization_view
from konnect_portal.foundation.paging import key_page

USE, READ, MANAGE = "accounts.view_organization", "accounts.view_systemaccount", "accounts.add_systemaccount"


@require_safe
@organization_view(USE)
def personal_tokens(request: OrganizationRequest) -> HttpResponse:
    now = timezone.now()
    mine = AccessToken.objects.filter(organization=request.organization.pk, user=request.user)
    context = {
        "page": key_page(mine, by="-created_at", after=request.GET.get("after")),
        "now": now,
        "live": request.user.access_tokens.live(now).count(),
        "live_at_most": LIVE_AT_MOST,
    }
    return render(request, "accounts/tokens/personal.html", context)


@organization_view(USE)
def new_personal_token(request: OrganizationRequest) -> HttpResponse:
    return _make_token(request, "personal_tokens", user=request.user)


@organization_view(USE)
def revoke_personal_token(request: OrganizationRequest, id: UUID) -> HttpResponse:
    token = get_object_or_404(AccessToken, pk=id, organization=request.organization.pk, user=request.user)
    return _revoke(request, token, "personal_tokens")


@require_safe
@organization_view(READ)
def system_accounts(request: OrganizationRequest) -> HttpResponse:
    """The organization's system accounts, each with how many tokens it can use now."""
    accounts = SystemAccount.objects.filter(organization=request.organization.pk)
    page = key_page(accounts, by="name", after=request.GET.get("after"))
    live = AccessToken.objects.live(timezone.now()).filter(system_account__in=page.rows)
    counts = dict(live.values_list("system_account").annotate(Count("pk")))
    rows = [(account, counts.get(account.pk, 0)) for account in page.rows]
    context = {"page": page, "rows": rows, "may_manage": _may_manage(request)}
    return render(request, "accounts/tokens/system_accounts.html", context)


@organization_view(MANAGE)
def new_system_account(request: OrganizationRequest) -> HttpResponse:
    form = NewSystemAccountForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = create_system_account(request.organization.pk, **form.cleaned_data, **acting(request))
            return redirect("system_account", made.pk)
        except SystemAccountError as error:
            form.add_error(error.field, str(error))
    return render(request, "accounts/tokens/new_system_account.html", {"form": form})


@require_safe
@organization_view(READ)
def system_account(request: OrganizationRequest, account_id: UUID) -> HttpResponse:
    account = _find_account(request, account_id)
    page = key_page(account.access_tokens.all(), by="-created_at", after=request.GET.get("after"))
    context = {
        "account": account,
        "page": page,
        "now": timezone.now(),
        "may_manage": _may_manage(request),
        **teams_and_roles_of(request, account),
    }
    return render(request, "accounts/tokens/system_account.html", context)


@holder_view(MANAGE)
def edit_system_account(request: OrganizationRequest, account_id: UUID) -> HttpResponse:
    account = _find_account(request, account_id, konnect_managed=False)
    now = {"name": account.name, "description": account.description}
    form = SystemAccountForm(request.POST if request.method == "POST" else None, initial=now)
    if form.is_valid():
        try:
            change_system_account(request.organization.pk, account_id, **form.cleaned_data, **acting(request))
            return redirect("system_account", account_id)
        except SystemAccountError as error:
            form.add_error(error.field, str(error))
    return render(request, "accounts/tokens/edit_system_account.html", {"form": form, "account": account})


@holder_view(MANAGE)
def remove_system_account(request: OrganizationRequest, account_id: UUID) -> HttpResponse:
    """Says first what is refused from then on."""
    account = _find_account(request, account_id, konnect_managed=False)
    if request.method == "POST":
        delete_system_account(request.organization.pk, account_id, **acting(request))
        messages.success(request, f"{account} was deleted. Whoever uses one of its tokens is refused from now on.")
        return redirect("system_accounts")
    live = account.access_tokens.live(timezone.now()).count()
    return render(request, "accounts/tokens/delete_system_account.html", {"account": account, "live": live})


@organization_view(MANAGE)
def new_system_token(request: OrganizationRequest, account_id: UUID) -> HttpResponse:
    account = _find_account(request, account_id)
    return _make_token(request, "system_account", account.pk, system_account=account)


@organization_view(MANAGE)
def revoke_system_token(request: OrganizationRequest, account_id: UUID, id: UUID) -> HttpResponse:
    account = _find_account(request, account_id)
    return _revoke(request, get_object_or_404(account.access_tokens, pk=id), "system_account", account.pk)


def _make_token(request: OrganizationRequest, *back, **holder) -> HttpResponse:
    """The form, and after it the secret: this answer is the only place where it ever stands."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        made = form.cleaned_data
        try:
            token, secret = create_token(
                request.organization.pk,
                id=made["id"],
                name=made["name"],
                expires_at=form.expires_at,
                **holder,
                **acting(request),
            )
            return render(request, "accounts/tokens/made.html", {"token": token, "secret": secret, "back": _url(back)})
        except TokenError as error:
            form.add_error(None, str(error))
    return render(request, "accounts/tokens/new.html", {"form": form, "back": _url(back), **holder})


def _revoke(request: OrganizationRequest, token: AccessToken, *back) -> HttpResponse:
    if request.method != "POST":
        return render(request, "accounts/tokens/revoke.html", {"token": token, "back": _url(back)})
    if revoke_token(request.organization.pk, token.pk, **acting(request)):
        messages.success(request, f"{token.name} was revoked. Whoever uses it is refused from now on.")
    else:
        messages.info(request, f"{token.name} had been revoked or had expired before. Nothing was changed.")
    return redirect(_url(back))


def _url(back) -> str:
    return reverse(back[0], args=back[1:])


def _find_account(request: OrganizationRequest, id: UUID, **of: bool) -> SystemAccount:
    return get_object_or_404(SystemAccount, pk=id, organization=request.organization.pk, **of)


def _may_manage(request: OrganizationRequest) -> bool:
    return request.user.has_perm(MANAGE, request.organization)
