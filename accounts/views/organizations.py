"""The organization switcher (P5): which organizations a person belongs to, and entering one."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import SignedInRequest, enter_organization, organizations_of
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
