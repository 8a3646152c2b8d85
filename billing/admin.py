from django.contrib import admin

from billing.models import ProviderMismatch, ProviderSubscription, Subscription, UsageApart, UsageFault
from konnect_portal.foundation.admin import ReadOnlyAdmin


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ["organization", "plan", "is_trial", "starts_at", "ends_at", "ended_at"]
    list_display_links = None
    list_filter = ["plan", "is_trial"]
    list_select_related = ["organization"]
    sortable_by = ()


class StopFilter(admin.SimpleListFilter):
    title = "stop"
    parameter_name = "stop"

    def lookups(self, request, model_admin):
        return [("waiting", "Not yet confirmed")]

    def queryset(self, request, queryset):
        return queryset.not_confirmed() if self.value() == "waiting" else queryset


@admin.register(ProviderSubscription)
class ProviderSubscriptionAdmin(ReadOnlyAdmin):
    """What the payment provider has of paid subscriptions, and what it has not confirmed (P41)."""

    list_display = [
        "organization",
        "reference",
        "started_at",
        "stop_asked_at",
        "stopped_at",
        "attempts",
        "next_attempt_at",
        "last_error",
    ]
    list_display_links = None
    list_filter = [StopFilter]
    list_select_related = ["subscription__organization"]
    ordering = ["-created_at"]
    search_fields = ["reference__exact"]
    sortable_by = ()

    @admin.display(description="organization")
    def organization(self, mirror):
        return mirror.subscription.organization


class OneSidedFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("open", "Still so"), ("resolved", "Resolved")]

    def queryset(self, request, queryset):
        is_open = {"open": True, "resolved": False}.get(self.value() or "")
        return queryset if is_open is None else queryset.filter(resolved_at__isnull=is_open)


@admin.register(ProviderMismatch)
class ProviderMismatchAdmin(ReadOnlyAdmin):
    """Subscriptions that the nightly reconciliation found on one side only (P41)."""

    list_display = ["found_at", "side", "reference", "organization_id", "seen_at", "resolved_at"]
    list_display_links = None
    list_filter = [OneSidedFilter, "side"]
    search_fields = ["reference__exact", "organization_id__exact"]
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
