from django.contrib import admin

from konnect_portal.foundation.admin import ReadOnlyAdmin
from licensing.models import License


@admin.register(License)
class LicenseAdmin(ReadOnlyAdmin):
    list_display = ["organization", "product", "issued_at", "expires_at", "replaced_at", "lapsed_at"]
    list_display_links = None
    list_filter = ["product"]
    list_select_related = ["organization"]
    sortable_by = ()
