from django.contrib import admin
from django.utils import timezone

from geos.models import ControlPlane
from konnect_portal.foundation.admin import ReadOnlyAdmin


class ProgressFilter(admin.SimpleListFilter):
    """Those whose taking down could begin more than a day ago and is not confirmed (P42)."""

    title = "taking down"
    parameter_name = "progress"

    def lookups(self, request, model_admin):
        return [("stuck", "Not confirmed for a day")]

    def queryset(self, request, queryset):
        return queryset.stuck(timezone.now()) if self.value() == "stuck" else queryset


@admin.register(ControlPlane)
class ControlPlaneAdmin(ReadOnlyAdmin):
    list_display = ["name", "organization", "geo", "kind", "state", "begins_at", "attempts", "last_error"]
    list_display_links = None
    list_filter = ["state", "geo", "kind", ProgressFilter]
    list_select_related = ["organization", "geo"]
    sortable_by = ()
