"""Organizations for support: found, read at a glance, and changed by the acts of the lifecycle alone."""

from datetime import timedelta

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Subquery
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST, require_safe

from accounts.admin import acts, asking, exempting, holding, inviting_owner
from accounts.admin.bulk import page_of
from accounts.admin.case import Case
from accounts.admin.contracts import CONTRACT_ACTS
from accounts.admin.forms import NoteForm
from accounts.admin.offering import offers
from accounts.admin.searching import SearchedList
from accounts.admin.timelines import TimelineAdmin
from accounts.admin.usage import usage_view
from accounts.bulk.lists import MOST, Named, make_list
from accounts.bulk.lists import RIGHT as IN_BULK
from accounts.desk.plans import PLAN_NAMES, name_of, running
from accounts.errors import LifecycleError
from accounts.inactivity import standings_by_facts
from accounts.models import Approval, Organization, StaffLookup
from accounts.services.approvals import waiting_for_target
from accounts.services.finding import matching_organizations
from accounts.services.notes import RIGHT as NOTE_RIGHT
from accounts.services.notes import write_note
from accounts.services.trail import note_lookup
from accounts.templatetags.desk import ago, pill
from accounts.words import State
from billing.models import Plan
from geos.models import OrganizationGeo
from geos.services import all_geos
from konnect_portal.foundation.admin import KeyedChangeList

ACTS = [*holding.FIRST, *acts.ACTS, *inviting_owner.ACTS, *exempting.ACTS, *asking.ACTS, *holding.LAST]


class PlanFilter(admin.SimpleListFilter):
    title = "plan"
    parameter_name = "plan"

    def lookups(self, request, model_admin):
        return PLAN_NAMES.items()

    def queryset(self, request, queryset):
        now = timezone.now()
        if self.value() == "trial":
            return queryset.filter(Exists(running(now).filter(is_trial=True)))
        if self.value() == Plan.FREE:
            return queryset.exclude(Exists(running(now)))
        if self.value() in PLAN_NAMES:
            return queryset.filter(Exists(running(now).filter(is_trial=False, plan=self.value())))
        return queryset


class GeoFilter(admin.SimpleListFilter):
    title = "home geo"
    parameter_name = "geo"

    def lookups(self, request, model_admin):
        return [(geo.pk, geo.name) for geo in all_geos()]

    def queryset(self, request, queryset):
        home = OrganizationGeo.objects.filter(organization=OuterRef("pk"), is_home=True, geo=self.value())
        return queryset.filter(Exists(home)) if self.value() else queryset


class DueFilter(admin.SimpleListFilter):
    """By the stored lower bound (P62): whoever is due by then is among them, and the list says when exactly."""

    title = "inactivity"
    parameter_name = "due"

    def lookups(self, request, model_admin):
        return [("0", "May be due now"), ("7", "May be due in 7 days"), ("14", "May be due in 14 days")]

    def queryset(self, request, queryset):
        days = {"0": 0, "7": 7, "14": 14}.get(self.value() or "")
        return queryset if days is None else queryset.filter(inactive_at__lte=timezone.now() + timedelta(days=days))


class HoldFilter(admin.SimpleListFilter):
    title = "hold"
    parameter_name = "hold"

    def lookups(self, request, model_admin):
        return [("yes", "On hold")]

    def queryset(self, request, queryset):
        return queryset.on_hold(timezone.now()) if self.value() == "yes" else queryset


class LateUsageFilter(admin.SimpleListFilter):
    """Those deactivated by the check of which a lead has to decide (P68)."""

    title = "usage"
    parameter_name = "usage"

    def lookups(self, request, model_admin):
        return [("late", "Came after the deactivation")]

    def queryset(self, request, queryset):
        return queryset.usage_came_late() if self.value() == "late" else queryset


class OrganizationList(KeyedChangeList):
    """A page of it knows of each the home geo, the plan, and when it will be inactive (P62), in three queries."""

    def get_queryset(self, request, exclude_parameters=None):
        home = OrganizationGeo.objects.filter(organization=OuterRef("pk"), is_home=True)
        found = super().get_queryset(request, exclude_parameters)
        return found.annotate(home_geo_name=Subquery(home.values("geo__name")[:1]))

    def get_results(self, request):
        super().get_results(request)
        standings = standings_by_facts(self.result_list, timezone.now())
        for organization in self.result_list:
            organization.standing = standings.get(organization.pk)


@admin.register(Organization)
class OrganizationAdmin(SearchedList, TimelineAdmin):
    matching = staticmethod(matching_organizations)
    acts = [*ACTS, *CONTRACT_ACTS]
    looked_up = StaffLookup.What.ORGANIZATION_SEARCH
    list_display = ["name", "shown_state", "shown_plan", "owner_email", "home_geo", "last_login", "due"]
    list_display_links = ["name"]
    list_filter = ["state", PlanFilter, GeoFilter, DueFilter, HoldFilter, LateUsageFilter]
    search_fields = ["search"]
    search_help_text = "Part of a name, path, e-mail address, or id"
    ordering = ["name", "id"]
    actions = ["deactivate_in_bulk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("owner", "billing_account")

    def get_changelist(self, request, **kwargs):
        return OrganizationList

    @method_decorator(require_safe)
    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The case page: everything a support case asks, nothing to edit."""
        organization = self.get_object(request, object_id)
        if organization is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        note_lookup(request.user, StaffLookup.What.ORGANIZATION, organization.pk)
        return self._show(request, "case", organization)

    def progress_view(self, request, id):
        """The part of the case page that refreshes by itself while control planes are being taken down."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._show(request, "progress", get_object_or_404(self.get_queryset(request), pk=id))

    def usage_view(self, request, id):
        return usage_view(self, request, id)

    def note_view(self, request, id):
        """Keep a note; where there is something wrong with it the case is shown again, with what was typed."""
        organization = get_object_or_404(self.get_queryset(request), pk=id)
        if not request.user.has_perm(NOTE_RIGHT, organization):
            raise PermissionDenied
        form = NoteForm(request.POST)
        if not form.is_valid():
            return self._show(request, "case", organization, note_form=form)
        write_note(form.cleaned_data.pop("id"), organization.pk, author=request.user, **form.cleaned_data)
        messages.success(request, "The note is kept on the timeline.")
        return redirect(reverse("admin:accounts_organization_change", args=[organization.pk]) + "#timeline")

    def get_urls(self):
        asked = {
            "progress": self.progress_view,
            "usage": require_safe(self.usage_view),
            "note": require_POST(self.note_view),
        }
        pages = [
            path(f"<uuid:id>/{name}/", self.admin_site.admin_view(view), name=f"accounts_organization_{name}")
            for name, view in asked.items()
        ]
        return [*pages, *super().get_urls()]

    def _show(self, request, name, organization, **more):
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": organization.name,
            "organization": organization,
            "case": Case(organization, at=timezone.now()),
            "approval": waiting_for_target(Approval.Act.DEACTIVATE_ENTERPRISE, organization.pk),
            "acts": offers(self.acts, request.user, organization),
            "may_unlock": request.user.has_perm("accounts.unlock_email"),
            "may_unlock_again": request.user.has_perm("accounts.unlock_again"),
            "note_form": NoteForm() if request.user.has_perm(NOTE_RIGHT) else None,
            **more,
        }
        return TemplateResponse(request, f"admin/accounts/organization/{name}.html", context)

    def get_action_choices(self, request, default_choices=None, action_location=admin.ActionLocation.CHANGE_LIST):
        """unfold's own does not take `action_location` yet."""
        choices = [("", "What to do with the selected")] if default_choices is None else default_choices
        return admin.ModelAdmin.get_action_choices(self, request, choices, action_location)

    def has_deactivate_in_bulk_permission(self, request):
        return request.user.has_perm(IN_BULK)

    @admin.action(description="Deactivate the selected because of spam", permissions=["deactivate_in_bulk"])
    def deactivate_in_bulk(self, request, queryset):
        """Make a list of those selected; its page shows who will go, and asks (P74)."""
        ids = queryset.values_list("pk", flat=True)[: MOST + 1]
        try:
            bulk = make_list([Named(n, str(id), id) for n, id in enumerate(ids, 1)], actor=request.user)
        except LifecycleError as problem:
            messages.error(request, str(problem))
            return None
        return redirect(page_of(bulk))

    @admin.display(description="state")
    def shown_state(self, organization):
        return pill(organization.state, organization.get_state_display())

    @admin.display(description="plan")
    def shown_plan(self, organization):
        standing = organization.standing
        return name_of(standing.facts.plan, standing.facts.on_trial) if standing else None

    @admin.display(description="owner")
    def owner_email(self, organization):
        owner = organization.owner
        return f"{owner.email} (closed account)" if owner.closed_at else owner.email

    @admin.display(description="home geo")
    def home_geo(self, organization):
        return organization.home_geo_name or "–"

    @admin.display(description="last login")
    def last_login(self, organization):
        return ago(organization.last_login_at)

    @admin.display(description="inactive from")
    def due(self, organization):
        standing = organization.standing
        return ago(standing.inactive_at if standing and organization.state == State.ACTIVE else None)
