from django.contrib import admin
from django.utils import timezone
from unfold.admin import TabularInline

from billing.models import (
    Credit,
    Invoice,
    InvoiceLine,
    ProviderMismatch,
    ProviderSubscription,
    Subscription,
    UsageApart,
    UsageFault,
)
from konnect_portal.foundation.admin import ReadOnlyAdmin, case_link
from konnect_portal.foundation.moments import absolute
from konnect_portal.foundation.money import dollars


class TrialFilter(admin.SimpleListFilter):
    title = "trial"
    parameter_name = "trial"

    def lookups(self, request, model_admin):
        return [("ending", "Ends within 7 days")]

    def queryset(self, request, queryset):
        return queryset.trials_ending(timezone.now()) if self.value() == "ending" else queryset


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ["shown_organization", "plan", "is_trial", "starts_at", "ends_at", "ended_at"]
    list_display_links = None
    list_filter = ["plan", "is_trial", TrialFilter]
    list_select_related = ["organization"]
    ordering = ["-starts_at"]

    @admin.display(description="organization")
    def shown_organization(self, subscription):
        return case_link(subscription.organization_id, subscription.organization)


class InvoiceFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [
            ("draft", "Draft"),
            ("overdue", "Draft that should be issued"),
            ("issued", "Issued"),
            ("unpaid", "Issued, not paid"),
            ("voided", "Voided"),
        ]

    def queryset(self, request, queryset):
        asked = {
            "draft": queryset.drafts,
            "overdue": lambda: queryset.overdue(timezone.now()),
            "issued": queryset.issued,
            "unpaid": queryset.unpaid,
            "voided": lambda: queryset.filter(voided_at__isnull=False),
        }
        return asked.get(self.value() or "", lambda: queryset)()


class LineInline(TabularInline):
    model = InvoiceLine
    fields = readonly_fields = ["metric", "service_start", "service_end", "quantity", "amount"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    @admin.display(description="amount")
    def amount(self, line):
        return dollars(line.amount_cents)


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    """Invoices, the latest period first: a draft waits for the geos, an issued one never changes (P34)."""

    list_display = ["__str__", "shown_organization", "period_start", "period_end", "total", "due", "state"]
    list_filter = [InvoiceFilter]
    list_select_related = ["organization", "charge"]
    ordering = ["-period_end", "-pk"]
    fields = [
        "organization",
        "organization_name",
        "contact_email",
        "period_start",
        "period_end",
        "total",
        "credits_used",
        "due",
        "state",
    ]
    inlines = [LineInline]

    @admin.display(description="organization")
    def shown_organization(self, invoice):
        return case_link(invoice.organization_id, invoice.organization)

    @admin.display(description="total")
    def total(self, invoice):
        return dollars(invoice.total_cents)

    @admin.display(description="credits used")
    def credits_used(self, invoice):
        return dollars(invoice.credit_cents)

    @admin.display(description="to pay")
    def due(self, invoice):
        return dollars(invoice.due_cents)

    @admin.display(description="state")
    def state(self, invoice):
        if invoice.voided_at:
            return f"Voided on {absolute(invoice.voided_at)}"
        if not invoice.issued_at:
            return "Draft"
        charge = getattr(invoice, "charge", None)
        if charge is None:
            return "Nothing to pay"
        return f"Paid on {absolute(charge.paid_at)}" if charge.paid_at else "Not paid"


class RefundFilter(admin.SimpleListFilter):
    title = "refund"
    parameter_name = "refund"

    def lookups(self, request, model_admin):
        return [("due", "To be refunded")]

    def queryset(self, request, queryset):
        return queryset.filter(refund_due_at__isnull=False) if self.value() == "due" else queryset


@admin.register(Credit)
class CreditAdmin(ReadOnlyAdmin):
    """Credits, among them the paid ones that a stop has listed for refund (P41)."""

    list_display = ["shown_organization", "kind", "granted", "remaining", "expires_at", "lapsed_at", "refund_due_at"]
    list_display_links = None
    list_filter = [RefundFilter, "kind"]
    list_select_related = ["organization"]
    ordering = ["-granted_at", "pk"]

    @admin.display(description="organization")
    def shown_organization(self, credit):
        return case_link(credit.organization_id, credit.organization)

    @admin.display(description="granted")
    def granted(self, credit):
        return dollars(credit.granted_cents)

    @admin.display(description="remaining")
    def remaining(self, credit):
        return dollars(credit.remaining_cents)


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

    @admin.display(description="organization")
    def organization(self, mirror):
        return case_link(mirror.subscription.organization_id, mirror.subscription.organization)


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

    list_display = ["found_at", "side", "reference", "organization", "seen_at", "resolved_at"]
    list_display_links = None
    list_filter = [OneSidedFilter, "side"]
    search_fields = ["reference__exact", "organization_id__exact"]

    @admin.display(description="organization")
    def organization(self, mismatch):
        return case_link(mismatch.organization_id, mismatch.organization_id) if mismatch.organization_id else None


@admin.register(UsageApart)
class UsageApartAdmin(ReadOnlyAdmin):
    """Usage that never counts (P41), the latest first."""

    list_display = ["received_at", "reason", "geo", "organization_id", "metric", "hour", "quantity"]
    list_display_links = None
    list_filter = ["reason", "geo", "metric"]
    ordering = ["-pk"]
    search_fields = ["organization_id__exact"]


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
