"""Runs of the inactivity check, and the list that one over its limit leaves for a lead (P66)."""

from django.contrib import admin
from django.urls import path

from accounts.models import CheckRun
from accounts.templatetags.desk import moment, pill
from konnect_portal.foundation.admin import ReadOnlyAdmin


@admin.register(CheckRun)
class CheckRunAdmin(ReadOnlyAdmin):
    list_display = ["run_at", "shown_outcome", "due_count", "limit", "deactivated_count", "failed_count"]
    list_filter = ["outcome"]
    sortable_by = ()

    def switch_view(self, request):
        raise NotImplementedError

    def get_urls(self):
        view = self.admin_site.admin_view(self.switch_view)
        return [path("switch/", view, name="accounts_checkrun_switch"), *super().get_urls()]

    @admin.display(description="asked for")
    def run_at(self, run):
        return moment(run.at)

    @admin.display(description="outcome")
    def shown_outcome(self, run):
        return pill(run.outcome, run.get_outcome_display())
