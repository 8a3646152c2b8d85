"""Issued invoices of organizations that a person owns and that are no longer active (P41)."""

from collections import defaultdict
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.access import SignedInRequest
from accounts.services.former import with_issued_invoices
from billing.models import Invoice
from billing.services import issued_invoices
from billing.services.documents import invoice_pdf
from billing.services.explaining import explained
from konnect_portal.foundation.pages import person_view
from konnect_portal.foundation.paging import key_page


@require_safe
@person_view
def invoices(request: SignedInRequest) -> HttpResponse:
    page = key_page(with_issued_invoices(request.user), by="name", after=request.GET.get("after"))
    found: dict[UUID, list[Invoice]] = defaultdict(list)
    for each in issued_invoices([organization.pk for organization in page.rows]):
        found[each.organization_id].append(each)
    rows = [(organization, found[organization.pk]) for organization in page.rows]
    return render(request, "accounts/account/invoices.html", {"page": page, "rows": rows})


@require_safe
@person_view
def invoice(request: SignedInRequest, id: UUID) -> HttpResponse:
    found = _invoice(request, pk=id)
    return render(request, "accounts/account/invoice.html", {"invoice": found, "explained": explained(found)})


@require_safe
@person_view
def invoice_document(request: SignedInRequest, id: UUID, number: int) -> HttpResponse:
    found = _invoice(request, pk=id, number=number)
    return HttpResponse(invoice_pdf(found), content_type="application/pdf")


def _invoice(request: SignedInRequest, **which: object) -> Invoice:
    theirs = list(with_issued_invoices(request.user).values_list("pk", flat=True))
    found = issued_invoices(theirs).select_related("organization").prefetch_related("lines")
    return get_object_or_404(found, **which)
