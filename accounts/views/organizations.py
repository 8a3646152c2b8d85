"""The organization switcher (P5): which organizations a person belongs to, entering one, leaving one for good."""

from uuid import UUID

from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import SignedInRequest, enter_organization, organizations_of, refusal
from accounts.models import AccessToken, Membership, Organization
from accounts.services.members import MemberError, leave
from accounts.views.acting import acting
from accounts.words import Via
from konnect_portal.foundation.pages import person_view, safe_next
from konnect_portal.foundation.paging import PAGE_SIZE, key_page

HOME = "/"


@require_safe
@person_view
def organizations(request: SignedInRequest) -> HttpResponse:
    """Choose one; a deactivated one is shown with its reason and until when it can be brought back (P40)."""
    search = request.GET.get("q", "").strip()
    known = organizations_of(request.user)
    found = known.filter(name__icontains=search) if search and "\x00" not in search else known
    page = key_page(found, by="name", after=request.GET.get("after"))
    return render(
        request,
        "accounts/organizations/switcher.html",
        {
            "page": page,
            "search": search,
            "searchable": bool(search or page.after or request.GET.get("after") or len(page.rows) > PAGE_SIZE // 2),
            "next": safe_next(request, ""),
        },
    )


@person_view
def enter(request: SignedInRequest, id: UUID) -> HttpResponse:
    """Enter an organization and go on to where the person wanted; a link here leads to the switcher."""
    if request.method != "POST":
        return redirect("organizations")
    enter_organization(request, id)
    return redirect(safe_next(request, HOME))


@require_safe
@person_view
def memberships(request: SignedInRequest) -> HttpResponse:
    """At My Account: each with the moments of joining and of the last login, and the way out."""
    known = organizations_of(request.user).annotate(
        joined_at=F("memberships__joined_at"), entered_at=F("memberships__last_login_at")
    )
    page = key_page(known, by="name", after=request.GET.get("after"))
    return render(request, "accounts/account/organizations.html", {"page": page})


@person_view
def leave_for_good(request: SignedInRequest, id: UUID) -> HttpResponse:
    """What ends with the membership, and the button; the owner has none (P2)."""
    organization = organizations_of(request.user).active().filter(pk=id).first()
    if organization is None:
        raise refusal(request.user, id)
    if request.method != "POST":
        tokens = AccessToken.objects.live(timezone.now()).filter(organization=organization, user=request.user)
        context = {"organization": organization, "tokens": tokens.count()}
        return render(request, "accounts/account/leave.html", context)
    try:
        leave(id, **acting(request, Via.ACCOUNT))
        messages.success(request, f"You left {organization.name}.")
    except MemberError as error:
        messages.error(request, str(error))
    except (Organization.DoesNotExist, Membership.DoesNotExist):  # since it was read
        raise refusal(request.user, id) from None
    return redirect("account_organizations")
