"""Who is staff, of which tier and with which second factor; seen by administrators."""

from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.db.models import Exists, OuterRef

from accounts.models import User
from accounts.templatetags.desk import moment
from konnect_portal.foundation.admin import ReadOnlyAdmin


@admin.register(User)
class StaffAdmin(ReadOnlyAdmin):
    list_display = ["email", "full_name", "shown_tier", "may_sign_in", "has_second_factor", "signed_in"]
    list_display_links = None
    sortable_by = ()
    ordering = ["email"]

    def get_queryset(self, request):
        factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
        return (
            super()
            .get_queryset(request)
            .filter(is_staff=True)
            .prefetch_related("groups")
            .annotate(second_factor=Exists(factors))
        )

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("accounts.manage_staff")

    @admin.display(description="tier")
    def shown_tier(self, user):
        return user.tier.label if user.tier else "none"

    @admin.display(description="may sign in", boolean=True)
    def may_sign_in(self, user):
        return user.is_active and user.has_usable_password()

    @admin.display(description="second factor", boolean=True)
    def has_second_factor(self, user):
        return user.second_factor

    @admin.display(description="last sign-in")
    def signed_in(self, user):
        return moment(user.last_login)
