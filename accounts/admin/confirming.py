"""The page before a dangerous act (P71): what it will change, the questions, one button; then the act and its result.

The form brings back the digest of what was shown. Where that no longer holds nothing is done and it is shown again.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from accounts.admin.forms import ActForm
from accounts.columns import Column
from accounts.desk.stepping_up import ask_again, shown_lately, typed_before
from accounts.errors import LifecycleError, PreviewChanged
from accounts.models import User
from accounts.words import Via


@dataclass
class Shown:
    """A preview as the page shows it; `digest` is what the form brings back (habit 4)."""

    columns: list[Column]
    digest: str
    form_options: dict[str, Any] = field(default_factory=dict)
    initial: dict[str, Any] = field(default_factory=dict)


class Act(ABC):
    """One dangerous act on a target: what it shows, asks, does and says."""

    name: str
    title: str
    done: str
    is_dangerous = False
    form: type[ActForm] = ActForm
    template = "admin/accounts/act.html"

    @abstractmethod
    def button(self, target: Any) -> str:
        """The act and its target by name, never "OK"."""

    @abstractmethod
    def typed(self, target: Any) -> str:
        """The name that has to be typed."""

    def told(self, target: Any) -> str:
        """What is said once it is done."""
        return self.done.format(self.typed(target))

    @abstractmethod
    def back(self, target: Any) -> str:
        """The page where the result can be watched."""

    @abstractmethod
    def show(self, user: User, target: Any) -> Shown:
        """What it will change for `target`."""

    @abstractmethod
    def act(self, target: Any, *, data: dict, expected: str, **who: Any) -> None:
        """Do it; LifecycleError where it can't be done, PreviewChanged where `expected` no longer holds."""


def confirm(request, act: Act, target: Any, context: dict):
    """Show the act's preview and form, or do it and go where the result can be watched.

    Whoever has shown no second factor lately is asked for it first, and comes back with what they typed.
    """
    if not shown_lately(request):
        return ask_again(request)
    shown = act.show(request.user, target)
    form = act.form(
        request.POST if request.method == "POST" else None,
        expected_name=act.typed(target),
        initial=shown.initial | typed_before(request),
        **shown.form_options,
    )
    if request.method == "POST":
        try:
            if request.POST.get("digest") != shown.digest:
                raise PreviewChanged
            if form.is_valid():
                act.act(target, data=form.cleaned_data, expected=shown.digest, **who(request))
                messages.success(request, act.told(target))
                return redirect(act.back(target))
        except LifecycleError as problem:
            form.add_error(None, str(problem))
            shown = act.show(request.user, target)
    page = {"act": act, "target": target, "shown": shown, "form": form, "back": act.back(target)}
    title = act.button(target)
    return TemplateResponse(request, act.template, {**context, **page, "title": title, "button": title})


def worded(data: dict) -> dict[str, Any]:
    """What a service is told of a form that asks for no identity: why, which ticket, through which door."""
    return {"note": data["note"], "ticket": data["ticket"], "via": Via.ADMIN}


def said(data: dict) -> dict[str, Any]:
    """`worded`, and how identity was shown, of an act that may be on a customer's behalf."""
    return {**worded(data), "proof": data.get("proof", "")}


def digest_of_rows(rows: Iterable) -> str:
    """A digest of which rows were shown; their ids are no secret."""
    return " ".join(sorted(str(row.pk) for row in rows))


def who(request) -> dict[str, Any]:
    """Who acts and from where, as the services are told of it."""
    return {"actor": request.user, "address": get_adapter().get_client_ip(request)}
