from django.contrib import admin

from billing.models import Subscription, UsageApart, UsageFault
from konnect_portal.foundation.admin import ReadOnlyAdmin


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ["organization", "plan", "is_trial", "starts_at", "ends_at", "ended_at"]
    list_display_links = None
    list_filter = ["plan", "is_trial"]
    list_select_related = ["organization"]
    ordering = ["-starts_at"]
    sortable_by = ()


@admin.register(UsageApart)
class UsageApartAdmin(ReadOnlyAdmin):
    """Usage that never counts (P41), the latest first."""

    list_display = ["received_at", "reason", "geo", "organization_id", "metric", "hour", "quantity"]
    list_display_links = None
    list_filter = ["reason", "geo", "metric"]
    ordering = ["-pk"]
    search_fields = ["organization_id__exact"]
    sortable_by = ()


class MendedFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("open", "Open"), ("mended", "Mended")]

    def queryset(self, request, queryset):
        is_open = {"open": True, "mended": False}.get(self.value() or "")
        return queryset if is_open is None else queryset.filter(mended_at__isnull=is_open)


@admin.register(UsageFault)
class UsageFaultAdmin(ReadOnlyAdmin):
    """Rejected records: while one is open, its geo's usage is not complete any further (P63)."""

    list_display = ["received_at", "geo", "batch_id", "position", "field", "reason", "organization_id", "mended_at"]
    list_display_links = None
    list_filter = [MendedFilter, "geo"]
    ordering = ["-pk"]
    sortable_by = ()
