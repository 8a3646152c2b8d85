"""What an organization has used, as its own people see it, for support."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.models import Organization
from billing.services import NoSuchUsage, usage_page


def usage_view(model_admin, request, id):
    """One cycle; 404 where there is no such organization, cycle or metric."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    organization = get_object_or_404(Organization.objects.filter(billing_account__isnull=False), pk=id)
    try:
        page = usage_page(
            organization.pk,
            since=organization.created_at,
            cycle=request.GET.get("cycle", ""),
            metric=request.GET.get("metric", ""),
            at=timezone.now(),
        )
    except NoSuchUsage:
        raise Http404 from None
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": f"Usage of {organization.name}",
        "organization": organization,
        "page": page,
    }
    return TemplateResponse(request, "admin/accounts/organization/usage.html", context)
