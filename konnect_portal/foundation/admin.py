"""Pages of the admin that only show: what the services own cannot be added, changed or deleted by hand."""

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR
from django.utils import timezone
from post_office.models import STATUS
from unfold.admin import ModelAdmin

from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.paging import CappedPaginator


class ReadOnlyAdmin(ModelAdmin):
    """Lists and pages without a way to change anything; lists count up to a cap and offer no action."""

    actions: list[str] | None = None
    list_per_page = 50
    show_full_result_count = False
    paginator = CappedPaginator

    def get_changelist_instance(self, request):
        """A filter with NUL in it, which the database cannot be asked for, is as wrong as an unknown one."""
        if any("\0" in value for name, value in request.GET.items() if name != SEARCH_VAR):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class DeliveryFilter(admin.SimpleListFilter):
    title = "delivery"
    parameter_name = "delivery"

    def lookups(self, request, model_admin):
        states = [("queued", "Queued"), ("sent", "Sent"), ("requeued", "To be tried again"), ("failed", "Failed")]
        return [*states, ("lately", "Failed in the last 7 days")]

    def queryset(self, request, queryset):
        if self.value() == "lately":
            return queryset.failed_lately(timezone.now())
        status = STATUS._asdict().get(self.value() or "")
        return queryset if status is None else queryset.filter(email__status=status)


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    list_display = ["to", "kind", "subject", "delivery", "created"]
    list_display_links = None
    list_filter = [DeliveryFilter]
    list_select_related = ["email"]
    ordering = ["-email_id"]

    @admin.display(description="to")
    def to(self, mail):
        return ", ".join(mail.email.to)

    @admin.display(description="subject")
    def subject(self, mail):
        return mail.email.subject

    @admin.display(description="delivery")
    def delivery(self, mail):
        return mail.email.get_status_display() or "waiting"

    @admin.display(description="written")
    def created(self, mail):
        return mail.email.created
