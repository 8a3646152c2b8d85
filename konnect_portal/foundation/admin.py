"""Pages of the admin that only show: what the services own cannot be added, changed or deleted by hand."""

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR
from django.db.models.constants import LOOKUP_SEP
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from post_office.models import STATUS
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.paging import PAGE_SIZE, CappedPaginator, KeyPage, key_page


def case_link(organization_id, text):
    """A link to the page of an organization."""
    page = reverse("admin:accounts_organization_change", args=[organization_id])
    return format_html('<a class="desk-link" href="{}">{}</a>', page, text)


class KeyedChangeList(ChangeList):
    """A list by pages that cost the same however far down they lie: `p` in the address is the last row before one.

    A list is in order of one field, its admin's first, and then the id.
    """

    page: KeyPage
    multi_page = can_show_all = show_full_result_count = False
    show_admin_actions = True

    def get_results(self, request):
        by, *_ = self._get_default_ordering()
        self.page = key_page(
            self.queryset, by=by, after=request.GET.get(PAGE_VAR), size=self.list_per_page, name=PAGE_VAR
        )
        self.result_list = self.page.rows
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        self.result_count = self.full_result_count = self.paginator.count
        self.is_further_down = PAGE_VAR in request.GET


class ReadOnlyAdmin(ModelAdmin):
    """Lists and pages without a way to change anything; lists count up to a cap and offer no action."""

    actions: list[str] | None = None
    change_list_template = "admin/list.html"
    list_per_page = PAGE_SIZE
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    sortable_by: tuple[str, ...] = ()
    paginator = CappedPaginator

    def get_changelist_instance(self, request):
        """A filter with NUL in it, which the database cannot be asked for, is as wrong as an unknown one."""
        if any("\0" in value for name, value in request.GET.items() if name != SEARCH_VAR):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def get_changelist(self, request, **kwargs):
        return KeyedChangeList

    def lookup_allowed(self, lookup, value, request):
        """By its filters and by organization alone: of any other field the address could ask letter by letter."""
        filters = {each if isinstance(each, str) else each.parameter_name for each in self.list_filter}
        field, *_ = lookup.split(LOOKUP_SEP)
        return field in filters | {"organization"} and super().lookup_allowed(lookup, value, request)

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
