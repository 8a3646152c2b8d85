"""The usage of geos for support: through when each has told it, and which are behind (P63)."""

from django.contrib import admin
from django.utils import timezone

from accounts.templatetags.desk import moment
from billing.models import GeoUsage
from konnect_portal.foundation.admin import ReadOnlyAdmin


class BehindFilter(admin.SimpleListFilter):
    title = "usage"
    parameter_name = "usage"

    def lookups(self, request, model_admin):
        return [("behind", "Behind")]

    def queryset(self, request, queryset):
        return queryset.behind(timezone.now()) if self.value() == "behind" else queryset


@admin.register(GeoUsage)
class GeoUsageAdmin(ReadOnlyAdmin):
    """While a geo is behind, nobody who has a control plane there is told of inactivity or deactivated for it."""

    list_display = ["geo", "complete", "told", "open_faults"]
    list_display_links = None
    list_filter = [BehindFilter]
    ordering = ["geo"]

    @admin.display(description="complete through")
    def complete(self, usage):
        return moment(usage.complete_through)

    @admin.display(description="told through")
    def told(self, usage):
        return moment(usage.told_through)
