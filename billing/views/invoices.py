"""Issued invoices of the organization entered, with what explains their amounts, and what is on its way (P34)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from billing.models import Invoice
from billing.services import issued_invoices
from billing.services.documents import invoice_pdf
from billing.services.explaining import explained
from konnect_portal.foundation.pages import organization_view
from konnect_portal.foundation.paging import key_page

VIEW = "billing.view_billing"


@require_safe
@organization_view(VIEW)
def invoices(request: Any) -> HttpResponse:
    id = request.organization.pk
    context = {
        "page": key_page(issued_invoices([id]), by="-number", after=request.GET.get("after")),
        "drafts": Invoice.objects.drafts().filter(organization=id).order_by("period_start"),
        "wait": timedelta(hours=settings.CLOSE_WAIT_HOURS),
    }
    return render(request, "billing/invoices.html", context)


@require_safe
@organization_view(VIEW)
def invoice(request: Any, id: UUID) -> HttpResponse:
    found = _invoice(request, pk=id)
    return render(request, "billing/invoice.html", {"invoice": found, "explained": explained(found)})


@require_safe
@organization_view(VIEW)
def invoice_document(request: Any, id: UUID, number: int) -> HttpResponse:
    found = _invoice(request, pk=id, number=number)
    return HttpResponse(invoice_pdf(found), content_type="application/pdf")


def _invoice(request: Any, **which: object) -> Invoice:
    issued = issued_invoices([request.organization.pk]).select_related("organization").prefetch_related("lines")
    return get_object_or_404(issued, **which)
