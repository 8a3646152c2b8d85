"""Billing and Usage: what the organization entered has used, by day and geo, and what that has cost so far (P33)."""

from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.services.usage_page import NoSuchUsage, UsagePage, usage_page
from konnect_portal.foundation.downloads import as_csv, download
from konnect_portal.foundation.pages import organization_view

VIEW = "billing.view_billing"


@require_safe
@organization_view(VIEW)
def usage(request: Any) -> HttpResponse:
    return render(request, "billing/usage.html", {"page": _page(request)})


@require_safe
@organization_view(VIEW)
def download_usage(request: Any) -> StreamingHttpResponse:
    """Every day, geo and metric of a cycle as CSV."""
    page = _page(request)
    written = as_csv(["day", "geo", "metric", "quantity"], _rows(page))
    return download(written, "text/csv", f"usage-{page.cycle.name}.csv")


def _page(request: Any) -> UsagePage:
    organization = request.organization
    try:
        return usage_page(
            organization.pk,
            since=organization.created_at,
            cycle=request.GET.get("cycle", ""),
            metric=request.GET.get("metric", ""),
            at=timezone.now(),
        )
    except NoSuchUsage:
        raise Http404 from None


def _rows(page: UsagePage) -> Iterator[list[str]]:
    for metric, used in page.used.items():
        for day, by_geo in sorted(used.days.items()):
            for geo, quantity in sorted(by_geo.items()):
                yield [day.isoformat(), geo, metric, str(quantity)]
