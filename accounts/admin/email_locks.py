"""Locked addresses: which, for which organization, since when."""

from django.contrib import admin
from django.urls import path

from accounts.models import EmailLock
from accounts.templatetags.desk import moment
from konnect_portal.foundation.addresses import address_hash
from konnect_portal.foundation.admin import ReadOnlyAdmin


class LiveFilter(admin.SimpleListFilter):
    """The live ones unless asked for others."""

    title = "lock"
    parameter_name = "lock"

    def lookups(self, request, model_admin):
        return [("live", "Locked"), ("released", "Released")]

    def queryset(self, request, queryset):
        if self.value() == "live":
            return queryset.live()
        if self.value() == "released":
            return queryset.filter(released_at__isnull=False)
        return queryset


@admin.register(EmailLock)
class EmailLockAdmin(ReadOnlyAdmin):
    list_display = ["shown_address", "organization", "locked", "released"]
    list_display_links = None
    list_filter = [LiveFilter]
    list_select_related = ["organization"]
    search_fields = ["address"]
    search_help_text = "The whole e-mail address"
    sortable_by = ()

    def get_search_results(self, request, queryset, search_term):
        return (queryset.filter(address_hash=address_hash(search_term)) if search_term else queryset), False

    def unlock_view(self, request, id):
        raise NotImplementedError

    def get_urls(self):
        view = self.admin_site.admin_view(self.unlock_view)
        return [path("<uuid:id>/unlock/", view, name="accounts_emaillock_unlock"), *super().get_urls()]

    @admin.display(description="address")
    def shown_address(self, lock):
        return str(lock)

    @admin.display(description="locked")
    def locked(self, lock):
        return moment(lock.locked_at)

    @admin.display(description="released")
    def released(self, lock):
        return moment(lock.released_at)
