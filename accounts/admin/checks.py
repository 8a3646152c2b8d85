"""Runs of the inactivity check, the list that one over its limit leaves for a lead, and the switch (P66)."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path

from accounts import checks
from accounts.admin.forms import DecisionForm, ResumeForm
from accounts.admin.inactivity_desk import InactivityDesk
from accounts.columns import counted
from accounts.desk.places import check_switch
from accounts.desk.stepping_up import ask_again, shown_lately, typed_before
from accounts.errors import LifecycleError
from accounts.models import CheckPause, CheckRun, User
from accounts.templatetags.desk import moment, pill
from accounts.words import HeldBy

LISTED = 500
"""Organizations of a list shown on its page; beyond that it says how many more."""

DECISIONS = {"approve": checks.approve, "dismiss": checks.dismiss}


@admin.register(CheckRun)
class CheckRunAdmin(InactivityDesk):
    list_display = ["run_at", "kind", "shown_outcome", "due", "limit", "told", "deactivated", "failed"]
    list_filter = ["kind", "outcome"]
    list_before_template = "admin/accounts/checkrun/switch.html"

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {**check_switch(request.user), **(extra_context or {})})

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """A run: what it found and did; while it waits, its list with Approve and Dismiss for those who may."""
        run = self.get_object(request, object_id)
        if run is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        may_decide = run.outcome == CheckRun.Outcome.WAITING and _may_decide(request)
        if request.method == "POST" and not may_decide:
            return self._too_late(request, run)
        if may_decide and not shown_lately(request):
            return ask_again(request)
        form = _bound(DecisionForm, request) if may_decide else None
        if form and form.is_valid() and self._decide(request, run, form):
            return redirect(request.path)
        entries = list(run.entries.select_related("organization").order_by("inactive_at", "organization")[:LISTED])
        context = {
            "run": run,
            "is_notice": run.kind == CheckRun.Kind.NOTIFY,
            "form": form,
            "entries": entries,
            "more": run.entries.count() - len(entries),
            "digest": checks.list_digest(run),
            "held": [(count, HeldBy(what).label.lower()) for what, count in run.held_counts.items()],
            "decider": User.objects.filter(pk=run.decided_by_id).first(),
        }
        return self._show(request, "run", str(run), **context)

    def switch_view(self, request):
        """Pause the check, saying why, or let it go on."""
        if not _may_decide(request):
            raise PermissionDenied
        if not shown_lately(request):
            return ask_again(request)
        pause = check_switch(request.user)["pause"]
        if request.method == "POST" and request.POST.get("pause", "") != _key_of(pause):
            messages.warning(request, f"The check was {'paused' if pause else 'resumed'} meanwhile. Nothing was done.")
            return redirect("admin:accounts_inactivity_desk")
        form = _bound(ResumeForm if pause else DecisionForm, request)
        if form.is_valid() and self._switch(request, form, paused=pause is not None):
            return redirect("admin:accounts_inactivity_desk")
        title = "Resume the inactivity check" if pause else "Pause the inactivity check"
        return self._show(request, "pause", title, form=form, pause=pause, key=_key_of(pause))

    def get_urls(self):
        view = self.admin_site.admin_view(self.switch_view)
        return [path("switch/", view, name="accounts_checkrun_switch"), *super().get_urls()]

    def _decide(self, request, run, form) -> bool:
        decision = request.POST.get("decision")
        if decision not in DECISIONS:
            form.add_error(None, "Please choose one of the two buttons.")
            return False
        try:
            run = DECISIONS[decision](
                run, actor=request.user, reason=form.cleaned_data["reason"], digest=request.POST.get("digest", "")
            )
        except LifecycleError as problem:
            form.add_error(None, str(problem))
            return False
        messages.success(request, _said(run, decision))
        return True

    def _switch(self, request, form, *, paused: bool) -> bool:
        try:
            if paused:
                checks.resume(actor=request.user)
                messages.success(request, "The inactivity check goes on with its next hourly run.")
            else:
                checks.pause(actor=request.user, reason=form.cleaned_data["reason"])
                messages.success(request, "The inactivity check is paused. It deactivates nobody until it is resumed.")
        except LifecycleError as problem:
            form.add_error(None, str(problem))
            return False
        return True

    def _too_late(self, request, run):
        if not _may_decide(request):
            raise PermissionDenied
        messages.warning(request, f"Nothing was done: this list is {run.get_outcome_display().lower()} already.")
        return redirect(request.path)

    def _show(self, request, name, title, **context):
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **context}
        return TemplateResponse(request, f"admin/accounts/checkrun/{name}.html", context)

    @admin.display(description="asked for")
    def run_at(self, run):
        return moment(run.at)

    @admin.display(description="due")
    def due(self, run):
        return run.due_count

    @admin.display(description="told")
    def told(self, run):
        return run.told_count

    @admin.display(description="deactivated")
    def deactivated(self, run):
        return run.deactivated_count

    @admin.display(description="failed")
    def failed(self, run):
        return run.failed_count

    @admin.display(description="outcome")
    def shown_outcome(self, run):
        return pill(run.outcome, run.get_outcome_display())


def _bound(form, request):
    return form(request.POST if request.method == "POST" else None, initial=typed_before(request))


def _key_of(pause: CheckPause | None) -> str:
    """What the form of the switch brings back: which pause was shown, if any (habit 4)."""
    return str(pause.pk) if pause else ""


def _may_decide(request) -> bool:
    return request.user.has_perm("accounts.decide_check")


def _said(run, decision) -> str:
    if decision == "dismiss":
        return "Dismissed: the organizations on the list are left alone for 30 days."
    is_notice = run.kind == CheckRun.Kind.NOTIFY
    done = counted(run.told_count if is_notice else run.deactivated_count, "organization")
    what = "told" if is_notice else "deactivated"
    return f"Approved: {done} of {run.entries.count()} {what}. Whoever was used meanwhile was left alone."
