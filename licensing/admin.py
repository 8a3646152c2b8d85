from django.contrib import admin

from konnect_portal.foundation.admin import ReadOnlyAdmin, case_link
from licensing.models import License


@admin.register(License)
class LicenseAdmin(ReadOnlyAdmin):
    """Which licenses there are and how many received each; nobody sees a document, staff neither (P21)."""

    list_display = [
        "shown_organization",
        "product",
        "issued_at",
        "expires_at",
        "replaced_at",
        "lapsed_at",
        "receivers",
        "key_id",
    ]
    list_display_links = None
    list_filter = ["product"]
    list_select_related = ["organization"]
    ordering = ["-issued_at"]

    def get_queryset(self, request):
        return super().get_queryset(request).received()

    @admin.display(description="organization")
    def shown_organization(self, license):
        return case_link(license.organization_id, license.organization)

    @admin.display(description="received by")
    def receivers(self, license):
        return license.receivers
