"""Acts that the page of one thing offers: who may, whether it makes sense now, and why not (P70, P71)."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse

from accounts.admin.confirming import Act, confirm
from accounts.models import User
from konnect_portal.foundation.admin import ReadOnlyAdmin


class OfferedAct(Act):
    """An act on an `organization` or a `person`, which has a page."""

    page: str
    permission: str

    def back(self, target):
        return reverse(f"admin:accounts_{self.page}_change", args=[target.pk])

    def link(self, target: Any) -> str:
        return reverse(f"admin:accounts_{self.page}_{self.name}", args=[target.pk])

    @abstractmethod
    def applies(self, target: Any) -> bool:
        """Whether it makes sense in the state of `target`."""

    @abstractmethod
    def missed(self, target: Any) -> str:
        """What is told where it makes no sense any more."""

    def allowed(self, user: User, target: Any) -> bool:
        return user.has_perm(self.permission, target)

    def refusal(self, target: Any) -> str | None:
        """Why it is not possible now, though the person may; None where it is."""
        return None


@dataclass(frozen=True)
class Offer:
    """An act as a page offers it: a link, or the reason why not."""

    title: str
    link: str
    is_dangerous: bool = False
    refusal: str | None = None


def offers(acts: Iterable[OfferedAct], user: User, target: Any) -> list[Offer]:
    """The acts that this person may do and that make sense now, the likely one first, refused ones last (P70)."""
    offered = [
        Offer(act.button(target), act.link(target), act.is_dangerous, act.refusal(target))
        for act in acts
        if act.allowed(user, target) and act.applies(target)
    ]
    return sorted(offered, key=lambda offer: offer.refusal is not None)


class ActsAdmin(ReadOnlyAdmin):
    """Pages that only show, and beside them one page for each act."""

    acts: list[OfferedAct]

    def act_view(self, request, id, act):
        """Preview, reason and ticket, act, message; 403 for whoever may not (P70, P71)."""
        target = get_object_or_404(self.get_queryset(request), pk=id)
        if not request.user.has_perm(act.permission):
            raise PermissionDenied
        problem = act.refusal(target) if act.applies(target) else act.missed(target)
        if problem:
            messages.warning(request, problem)
            return redirect(act.back(target))
        if not act.allowed(request.user, target):
            raise PermissionDenied
        return confirm(request, act, target, {**self.admin_site.each_context(request), "opts": self.opts})

    def get_urls(self):
        view = self.admin_site.admin_view(self.act_view)
        acts = [
            path(f"<uuid:id>/{act.name}/", view, {"act": act}, f"accounts_{act.page}_{act.name}") for act in self.acts
        ]
        return [*acts, *super().get_urls()]
