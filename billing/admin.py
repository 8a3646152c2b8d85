from django.contrib import admin
from django.utils import timezone
from unfold.admin import TabularInline

from billing.models import Invoice, InvoiceLine, Subscription, UsageApart, UsageFault
from konnect_portal.foundation.admin import ReadOnlyAdmin
from konnect_portal.foundation.moments import absolute
from konnect_portal.foundation.money import dollars


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ["organization", "plan", "is_trial", "starts_at", "ends_at", "ended_at"]
    list_display_links = None
    list_filter = ["plan", "is_trial"]
    list_select_related = ["organization"]
    sortable_by = ()


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

    list_display = ["__str__", "organization", "period_start", "period_end", "total", "due", "state"]
    list_filter = [InvoiceFilter]
    list_select_related = ["organization", "charge"]
    ordering = ["-period_end", "-pk"]
    sortable_by = ()
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
