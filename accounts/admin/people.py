"""Customers for support: found, read at a glance, and changed by acts alone."""

from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.db.models import Count, Exists, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from accounts.admin.offering import ActsAdmin, offers
from accounts.admin.person_acts import ACTS
from accounts.admin.person_case import PersonCase
from accounts.admin.searching import SearchedList
from accounts.models import Membership, Person, Recovery, StaffLookup
from accounts.services.finding import matching_people
from accounts.services.ownership import SEEN_AT
from accounts.services.trail import note_lookup
from accounts.templatetags.desk import ago, pill


@admin.register(Person)
class PersonAdmin(SearchedList, ActsAdmin):
    matching = staticmethod(matching_people)
    acts = ACTS
    looked_up = StaffLookup.What.PERSON_SEARCH
    list_display = ["email", "full_name", "shown_state", "organization_count", "last_seen"]
    list_display_links = ["email"]
    search_fields = ["email"]
    search_help_text = "E-mail address, name, part of either, or id"
    ordering = ["full_name", "id"]

    def get_queryset(self, request):
        memberships = Membership.objects.filter(user=OuterRef("pk")).values("user")
        counted = memberships.annotate(size=Count("pk")).values("size")
        return (
            super()
            .get_queryset(request)
            .filter(is_staff=False)
            .annotate(
                seen_at=SEEN_AT,
                membership_count=Coalesce(Subquery(counted, output_field=IntegerField()), 0),
                waits=Exists(Recovery.objects.waiting().filter(user=OuterRef("pk"))),
                has_second_factor=Exists(Authenticator.objects.filter(user=OuterRef("pk"))),
            )
        )

    def lookup_allowed(self, lookup, value, request):
        """Also those of one organization, to which its case leads."""
        return lookup == "memberships__organization__id__exact" or super().lookup_allowed(lookup, value, request)

    @method_decorator(require_safe)
    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The person's page: everything a support case asks, nothing to edit."""
        person = self.get_object(request, object_id)
        if person is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        note_lookup(request.user, StaffLookup.What.PERSON, person.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(person),
            "person": person,
            "case": PersonCase(person, at=timezone.now()),
            "acts": offers(ACTS, request.user, person),
            "may_unlock": request.user.has_perm("accounts.unlock_email"),
            "may_unlock_again": request.user.has_perm("accounts.unlock_again"),
        }
        return TemplateResponse(request, "admin/accounts/person/case.html", context)

    @admin.display(description="state")
    def shown_state(self, person):
        return pill("gone", "Closed") if person.closed_at else pill("active", "Open")

    @admin.display(description="organizations")
    def organization_count(self, person):
        return person.membership_count

    @admin.display(description="last seen")
    def last_seen(self, person):
        return ago(person.seen_at)
