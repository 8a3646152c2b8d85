"""Control planes for support: what became of each, every attempt to take it down, and having it tried again (P42)."""

from datetime import datetime
from functools import cached_property

import structlog
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST, require_safe

from accounts import lifecycle
from accounts.admin import columns
from accounts.admin.acts import hold_of
from accounts.admin.confirming import Act, Shown, confirm, digest_of_rows, said
from accounts.admin.forms import WordForm
from accounts.admin.searching import SearchedList
from accounts.services.finding import matching_control_planes
from accounts.templatetags.desk import pill
from accounts.words import State
from geos.models import ControlPlane, GeoBreaker, TakeDownAttempt
from geos.services import LeftRunning, embedded_geos, left_running, retry_take_down
from konnect_portal.foundation.admin import ReadOnlyAdmin, case_link

SHOWN_ATTEMPTS = 25
SHOWN_LEFT = 50
LONGEST_KEY = 18

logger = structlog.get_logger(__name__)


class TakeDownOne(Act):
    """Let one that waits begin at once: then it cannot come back (P51)."""

    name = "take-down"
    title = "Take down now"
    done = "{} is being taken down. Below you can watch it."
    is_dangerous = True
    form = WordForm

    def button(self, target):
        return f"Take {target.name} down now"

    def typed(self, target):
        return target.name

    def back(self, target):
        return page_of(target)

    def applies(self, target: ControlPlane) -> bool:
        """Whether it waits, in an organization that is deactivated; what has begun is retried instead."""
        return (
            target.state == ControlPlane.State.DECOMMISSIONING
            and target.begun_at is None
            and target.begins_at is not None
            and target.begins_at > timezone.now()
            and target.organization.state == State.INACTIVE
            and target.organization.late_usage_at is None
        )

    def show(self, user, target):
        return Shown(columns.of_take_down([target]), digest_of_rows([target]))

    def act(self, target, *, data, expected, **who):
        lifecycle.hasten_take_down(target.organization_id, only=target.pk, **said(data), **who)


TAKE_DOWN = TakeDownOne()


class Story:
    """One control plane, its attempts from `before` on backwards, and what its geo's service is like now."""

    def __init__(self, control_plane: ControlPlane, *, at: datetime, before: str = "") -> None:
        self.control_plane = control_plane
        self.at = at
        self.before = int(before) if before.isascii() and before.isdigit() and len(before) <= LONGEST_KEY else None

    @property
    def moving(self) -> bool:
        """Whether it is on its way down, so that the page is worth watching."""
        return self.control_plane.state == ControlPlane.State.DECOMMISSIONING

    @cached_property
    def _read(self) -> list[TakeDownAttempt]:
        attempts = TakeDownAttempt.objects.filter(control_plane=self.control_plane)
        if self.before is not None:
            attempts = attempts.filter(pk__lt=self.before)
        return list(attempts.order_by("-pk")[: SHOWN_ATTEMPTS + 1])

    @property
    def attempts(self) -> list[TakeDownAttempt]:
        """A page of them, the newest first."""
        return self._read[:SHOWN_ATTEMPTS]

    @property
    def earlier(self) -> int | None:
        """What the page with the earlier ones comes before; None where there are none."""
        return self.attempts[-1].pk if len(self._read) > SHOWN_ATTEMPTS else None

    @cached_property
    def is_embedded(self) -> bool:
        return self.control_plane.geo_id in embedded_geos()

    @cached_property
    def breaker(self) -> GeoBreaker | None:
        """Where the geo's service is left alone, since when it failed how often in a row."""
        return GeoBreaker.objects.filter(geo=self.control_plane.geo_id, open_until__isnull=False).first()

    @cached_property
    def left(self) -> LeftRunning | None:
        """Who still checks in although no configuration is handed out; None where nobody does."""
        since = self.control_plane.decommission_requested_at
        if since is None:
            return None
        asked = [self.control_plane.pk]
        return left_running(asked, asked, since=since, at=self.at, most=SHOWN_LEFT).get(asked[0])


class ProgressFilter(admin.SimpleListFilter):
    """Those whose taking down could begin more than a day ago and is not confirmed (P42)."""

    title = "taking down"
    parameter_name = "progress"

    def lookups(self, request, model_admin):
        return [("stuck", "Not confirmed for a day")]

    def queryset(self, request, queryset):
        return queryset.stuck(timezone.now()) if self.value() == "stuck" else queryset


@admin.register(ControlPlane)
class ControlPlaneAdmin(SearchedList, ReadOnlyAdmin):
    matching = staticmethod(matching_control_planes)
    list_display = ["name", "shown_organization", "geo", "kind", "shown_state", "begins_at", "attempts", "last_error"]
    list_display_links = ["name"]
    list_filter = ["state", "geo", "kind", ProgressFilter]
    list_select_related = ["organization", "geo"]
    search_fields = ["name"]
    search_help_text = "Beginning of a name or hostname, or id"
    ordering = ["name", "id"]

    @method_decorator(require_safe)
    def change_view(self, request, object_id, form_url="", extra_context=None):
        """What became of it and each attempt; nothing to edit."""
        control_plane = self.get_object(request, object_id)
        if control_plane is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return self._show(request, "page", control_plane)

    @method_decorator(require_safe)
    def progress_view(self, request, id):
        """The part of the page that refreshes by itself while the control plane is being taken down."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._show(request, "progress", self._get(request, id))

    @method_decorator(require_POST)
    def retry_view(self, request, id):
        """Try what has begun again now. It changes nothing that would not happen by itself, so nothing is asked."""
        if not may_retry(request.user):
            raise PermissionDenied
        control_plane = self._get(request, id)
        problem = hold_of(control_plane.organization)
        if problem:
            messages.warning(request, problem)
        elif retry_take_down(control_plane.pk, at=timezone.now()):
            logger.info("take-down tried again", control_plane=str(id), actor=str(request.user.pk))
            messages.success(request, f"{control_plane.geo} is asked again to take {control_plane} down.")
        else:
            messages.warning(request, f"{control_plane} is not on its way down: nothing was changed.")
        return redirect(page_of(control_plane))

    def take_down_view(self, request, id):
        """Preview, reason and ticket, act, message; 403 for whoever may not (P70, P71)."""
        if not may_take_down(request.user):
            raise PermissionDenied
        control_plane = self._get(request, id)
        problem = hold_of(control_plane.organization)
        if not TAKE_DOWN.applies(control_plane):
            problem = f"{control_plane} does not wait to be taken down: nothing was changed."
        if problem:
            messages.warning(request, problem)
            return redirect(page_of(control_plane))
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return confirm(request, TAKE_DOWN, control_plane, context)

    def get_urls(self):
        views = {"progress": self.progress_view, "retry": self.retry_view, TAKE_DOWN.name: self.take_down_view}
        ours = [
            path(f"<uuid:id>/{name}/", self.admin_site.admin_view(view), name=f"geos_controlplane_{name}")
            for name, view in views.items()
        ]
        return [*ours, *super().get_urls()]

    def _get(self, request, id) -> ControlPlane:
        return get_object_or_404(self.get_queryset(request), pk=id)

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("organization", "geo")

    def _show(self, request, name, control_plane):
        user, hold = request.user, hold_of(control_plane.organization)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": control_plane.name,
            "control_plane": control_plane,
            "story": Story(control_plane, at=timezone.now(), before=request.GET.get("before", "")),
            "hold": hold,
            "may_retry": not hold and control_plane.is_going and may_retry(user),
            "take_down": TAKE_DOWN.button(control_plane)
            if not hold and TAKE_DOWN.applies(control_plane) and may_take_down(user)
            else None,
        }
        return TemplateResponse(request, f"admin/accounts/controlplane/{name}.html", context)

    @admin.display(description="organization")
    def shown_organization(self, control_plane):
        return case_link(control_plane.organization_id, control_plane.organization)

    @admin.display(description="state")
    def shown_state(self, control_plane):
        return pill(control_plane.state, control_plane.get_state_display())


def page_of(control_plane: ControlPlane) -> str:
    return reverse("admin:geos_controlplane_change", args=[control_plane.pk])


def may_retry(user) -> bool:
    return user.has_perm("accounts.retry_take_down")


def may_take_down(user) -> bool:
    return user.has_perm("accounts.hasten_take_down")
