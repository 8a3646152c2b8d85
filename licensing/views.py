"""Which licenses an organization has and who received them; never the documents (P21)."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe

from konnect_portal.foundation.pages import organization_view
from konnect_portal.foundation.paging import key_page
from licensing.models import License

VIEW = "licensing.view_license"


@require_safe
@organization_view(VIEW)
def licenses(request: Any) -> HttpResponse:
    own = License.objects.filter(organization=request.organization.pk)
    context = {
        "live": own.live().received().order_by("product"),
        "page": key_page(own.ended().received(), by="-issued_at", after=request.GET.get("after")),
        **_sales_contact(request.organization.pk),
    }
    return render(request, "licensing/licenses.html", context)


@require_safe
@organization_view(VIEW)
def license(request: Any, id: UUID) -> HttpResponse:
    found = get_object_or_404(License.objects.received(), pk=id, organization=request.organization.pk)
    page = key_page(found.deliveries.all(), by="-delivered_at", after=request.GET.get("after"))
    return render(request, "licensing/license.html", {"license": found, "page": page})


def _sales_contact(organization_id: UUID) -> dict[str, str]:
    """Who answers questions: `settings.SALES_CONTACT_OF` says it for each organization, an address or a web page."""
    contact = import_string(settings.SALES_CONTACT_OF)(organization_id, at=timezone.now())
    is_page = contact.startswith(("https://", "http://"))
    return {"sales_url": contact} if is_page else {"sales_url": f"mailto:{contact}", "sales_address": contact}
