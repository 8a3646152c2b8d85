from django.contrib import admin

from billing.models import Subscription
from konnect_portal.foundation.admin import ReadOnlyAdmin


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ["organization", "plan", "is_trial", "starts_at", "ends_at", "ended_at"]
    list_display_links = None
    list_filter = ["plan", "is_trial"]
    list_select_related = ["organization"]
    sortable_by = ()
