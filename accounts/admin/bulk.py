"""Reviewed lists of spam (P74): made of a selection or of pasted ids, read, confirmed, watched and stopped."""

from dataclasses import asdict, dataclass
from functools import cached_property

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, Subquery
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST, require_safe

from accounts.admin.confirming import Act, Shown, confirm, worded
from accounts.admin.forms import ListForm, WordForm
from accounts.bulk.acting import ALONE_AT_MOST, IN_BULK, approve, gone_alone, stop, takes_second_lead
from accounts.bulk.acting import confirm as confirm_list
from accounts.bulk.lists import RIGHT, list_digest, make_list, read_ids, review, waiting_in
from accounts.columns import NAMED, Column, Line, counted, later, line
from accounts.errors import LifecycleError
from accounts.models import Approval, BulkDeactivation, BulkEntry, Organization, User
from accounts.services.approvals import waiting_for_target
from accounts.templatetags.desk import moment, pill
from geos.models import ControlPlane
from konnect_portal.foundation.admin import ReadOnlyAdmin

SHOWN_ENTRIES = 100
LONGEST_KEY = 18
ASKED = "Waits for a second lead"


def page_of(bulk: BulkDeactivation) -> str:
    return reverse("admin:accounts_bulkdeactivation_change", args=[bulk.pk])


@dataclass(frozen=True)
class ConfirmList(Act):
    """Have the organizations of a list deactivated, or, above 50 within 24 hours, ask a second lead for it."""

    user: User

    name = "confirm"
    title = "Deactivate a list"
    done = "The list is being worked off. Below you can watch it, and you can leave this page."
    is_dangerous = True
    form = WordForm
    template = "admin/accounts/bulkdeactivation/report.html"

    def button(self, target):
        deactivate = f"deactivate {counted(waiting_in(target).count(), 'organization')}"
        is_asked = takes_second_lead(target, self.user)
        return f"Ask a second lead to {deactivate}" if is_asked else deactivate.capitalize()

    def typed(self, target):
        return str(waiting_in(target).count())

    def told(self, target):
        if waiting_for_target(IN_BULK, target.pk):
            return "Nothing has changed yet: another lead has to confirm it."
        return self.done

    def back(self, target):
        """Where it can be watched; before that there is nothing on its page but these questions."""
        is_confirmed = BulkDeactivation.objects.filter(pk=target.pk, confirmed_at__isnull=False).exists()
        if is_confirmed or waiting_for_target(IN_BULK, target.pk):
            return page_of(target)
        return reverse("admin:accounts_bulkdeactivation_changelist")

    def show(self, user, target):
        return Shown(columns_of(target), list_digest(target))

    def act(self, target, *, data, expected, **who):
        shown = [asdict(column) for column in columns_of(target)]
        confirm_list(target, expected=expected, shown=shown, **worded(data), **who)


class ListApproval:
    """How a second lead is shown a list, and what their yes begins; the number is what they type."""

    done = "{}: it is being worked off. Below you can watch it."

    def button(self, approval: Approval) -> str:
        return f"Deactivate the {approval.target_name.lower()}"

    def typed(self, approval: Approval) -> str:
        return str(approval.options["count"])

    def back(self, approval: Approval) -> str:
        return reverse("admin:accounts_bulkdeactivation_change", args=[approval.target_id])

    def now(self, approval: Approval) -> Shown | None:
        """Who would go now, each asked about again; None where the list is gone or was confirmed."""
        bulk = BulkDeactivation.objects.filter(pk=approval.target_id, confirmed_at=None).first()
        if bulk is None:
            return None
        review(bulk)
        return Shown(columns_of(bulk), list_digest(bulk))

    def carry_out(self, approval: Approval, *, expected: str, **who) -> None:
        approve(approval, expected=expected, **who)


def columns_of(bulk: BulkDeactivation) -> list[Column]:
    """What deactivating a list changes and whom it leaves, with counts and the first names."""
    waiting = waiting_in(bulk)
    count = waiting.count()
    names = list(waiting.order_by("organization__name").values_list("organization__name", flat=True)[:NAMED])
    left = bulk.entries.filter(result=BulkEntry.Result.LEFT).values_list("why").annotate(Count("pk")).order_by("why")
    reasons = [line(f"{counted(number, 'line')}: {why[0].lower()}{why[1:]}") for why, number in left]
    return [
        Column(
            "This will",
            "stop",
            [
                Line(f"Deactivate {counted(count, 'organization')} because of spam", names, count - len(names)),
                *_what_goes_with_them(waiting),
                line("Refuse everyone who comes to them from now on, in every geo, and lock their addresses"),
            ],
        ),
        Column(
            "Stays as it is",
            "keep",
            [
                *reasons,
                line("Their people's accounts, and their other organizations"),
                line("Nobody is told by mail"),
            ],
        ),
        Column(
            "Undoing it",
            "undo",
            [
                line("A lead can stop it while it runs: who went stays deactivated, the rest is left"),
                line("A lead can reactivate each of them by itself"),
                line(f"Control planes come back only while their taking down has not begun, {later()}"),
            ],
        ),
    ]


def _what_goes_with_them(waiting):
    ids = waiting.values("organization")
    if planes := ControlPlane.objects.active().filter(organization__in=ids).count():
        yield line(f"Stop configuration for {counted(planes, 'control plane')} at once, and take them down {later()}")
    if people := User.objects.filter(memberships__organization__in=ids).distinct().count():
        yield line(f"Take {counted(people, 'person', 'people')} out of every team and role there")
    if on_hold := Organization.objects.on_hold(timezone.now()).filter(pk__in=ids).count():
        yield line(f"Leave the control planes of {counted(on_hold, 'organization')} on hold until they are released")


@dataclass(frozen=True)
class Progress:
    """How far a list has come; each part is asked once, when the page comes to it."""

    bulk: BulkDeactivation
    user: User
    result: str = ""
    after: str = ""

    @cached_property
    def counts(self) -> dict[str, int]:
        return dict(self.bulk.entries.order_by().values_list("result").annotate(Count("pk")))

    @property
    def facts(self) -> list[tuple[str, str, int]]:
        """Each result with its name and number."""
        return [(value, str(label), self.counts.get(value, 0)) for value, label in BulkEntry.Result.choices]

    @property
    def done(self) -> int:
        return self.total - self.counts.get(BulkEntry.Result.WAITING, 0)

    @cached_property
    def total(self) -> int:
        return sum(self.counts.values())

    @cached_property
    def approval(self) -> Approval | None:
        return waiting_for_target(IN_BULK, self.bulk.pk) if self.bulk.confirmed_at is None else None

    @property
    def may_stop(self) -> bool:
        return self.bulk.is_running and self.user.has_perm(RIGHT)

    @property
    def state(self) -> str:
        return ASKED if self.approval else state_of(self.bulk)

    @cached_property
    def confirmed_by(self) -> User | None:
        return User.objects.filter(pk=self.bulk.confirmed_by_id).first()

    @cached_property
    def stopped_by(self) -> User | None:
        return User.objects.filter(pk=self.bulk.stopped_by_id).first()

    @cached_property
    def _read(self) -> list[BulkEntry]:
        entries = self.bulk.entries.select_related("organization").order_by("pk")
        if self.result in BulkEntry.Result.values:
            entries = entries.filter(result=self.result)
        if self.after.isascii() and self.after.isdigit() and len(self.after) <= LONGEST_KEY:
            entries = entries.filter(pk__gt=int(self.after))
        return list(entries[: SHOWN_ENTRIES + 1])

    @property
    def entries(self) -> list[BulkEntry]:
        """A page of them, in the order of the list."""
        return self._read[:SHOWN_ENTRIES]

    @property
    def following(self) -> int | None:
        """What the next page comes after; None on the last one."""
        return self.entries[-1].pk if len(self._read) > SHOWN_ENTRIES else None


def state_of(bulk: BulkDeactivation) -> str:
    if bulk.is_running:
        return "Being deactivated"
    if bulk.stopped_at:
        return "Stopped"
    return "Done" if bulk.finished_at else "Report"


TONES = {"Being deactivated": "waiting", ASKED: "waiting", "Stopped": "failed", "Done": "active"}


@admin.register(BulkDeactivation)
class BulkDeactivationAdmin(ReadOnlyAdmin):
    list_display = ["shown_name", "shown_state", "organizations", "ticket", "made_by", "confirmed"]
    list_display_links = ["shown_name"]
    list_before_template = "admin/accounts/bulkdeactivation/new_link.html"

    def get_queryset(self, request):
        asked = Approval.objects.waiting(timezone.now()).filter(act=IN_BULK, target_id=OuterRef("pk"))
        makers = User.objects.filter(pk=OuterRef("made_by_id")).values("email")
        return super().get_queryset(request).annotate(is_asked=Exists(asked), made_by_email=Subquery(makers))

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(
            request, {"may_make": request.user.has_perm(RIGHT), "later": later(), **(extra_context or {})}
        )

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Until it is confirmed the report with its questions, for those who may; then what becomes of it."""
        bulk = self.get_object(request, object_id)
        if bulk is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        progress = self._progress(request, bulk)
        open_to_confirm = bulk.confirmed_at is None and progress.approval is None
        if open_to_confirm and request.user.has_perm(RIGHT):
            alone = {"gone_alone": gone_alone(request.user, at=timezone.now()), "alone_at_most": ALONE_AT_MOST}
            return confirm(request, ConfirmList(request.user), bulk, self._context(request, progress) | alone)
        if request.method == "POST":
            if not request.user.has_perm(RIGHT):
                raise PermissionDenied
            messages.warning(request, "Nothing was done: this list was confirmed already or waits for a second lead.")
            return redirect(request.path)
        return self._show(request, "page", progress)

    @method_decorator(require_safe)
    def progress_view(self, request, id):
        """The part of the page that refreshes by itself while the list is worked off."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._show(request, "progress", self._progress(request, get_object_or_404(BulkDeactivation, pk=id)))

    @method_decorator(require_POST)
    def stop_view(self, request, id):
        """Let nobody else go. It takes nothing from anybody, so nothing is asked."""
        if not request.user.has_perm(RIGHT):
            raise PermissionDenied
        bulk = get_object_or_404(BulkDeactivation, pk=id)
        try:
            stop(bulk, actor=request.user)
            messages.success(request, "Stopped. Who went stays deactivated; the rest of the list is left as it is.")
        except LifecycleError as problem:
            messages.warning(request, str(problem))
        return redirect(page_of(bulk))

    def new_view(self, request):
        """Paste a list; what is in it is read on the next page."""
        if not request.user.has_perm(RIGHT):
            raise PermissionDenied
        form = ListForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                return redirect(page_of(make_list(read_ids(form.cleaned_data["ids"]), actor=request.user)))
            except LifecycleError as problem:
                form.add_error("ids", str(problem))
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Deactivate a list"}
        return TemplateResponse(request, "admin/accounts/bulkdeactivation/new.html", {**context, "form": form})

    def get_urls(self):
        view, named = self.admin_site.admin_view, "accounts_bulkdeactivation_{}".format
        return [
            path("new/", view(self.new_view), name=named("new")),
            path("<uuid:id>/progress/", view(self.progress_view), name=named("progress")),
            path("<uuid:id>/stop/", view(self.stop_view), name=named("stop")),
            *super().get_urls(),
        ]

    def _progress(self, request, bulk):
        return Progress(bulk, request.user, request.GET.get("result", ""), request.GET.get("after", ""))

    def _context(self, request, progress):
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "bulk": progress.bulk,
            "progress": progress,
            "tone": TONES.get(progress.state, "calm"),
        }

    def _show(self, request, name, progress):
        context = {**self._context(request, progress), "title": str(progress.bulk)}
        return TemplateResponse(request, f"admin/accounts/bulkdeactivation/{name}.html", context)

    @admin.display(description="list")
    def shown_name(self, bulk):
        return str(bulk)

    @admin.display(description="state")
    def shown_state(self, bulk):
        state = ASKED if bulk.is_asked else state_of(bulk)
        return pill(TONES.get(state, "calm"), state)

    @admin.display(description="organizations")
    def organizations(self, bulk):
        return bulk.size

    @admin.display(description="made by")
    def made_by(self, bulk):
        return bulk.made_by_email

    @admin.display(description="confirmed")
    def confirmed(self, bulk):
        return moment(bulk.confirmed_at)
