"""The plan of an organization and the card that pays for it: read with `view_billing`, changed with `change_plan`."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.provider import ProviderError, ProviderRefused
from billing.services.customers import CardSetupError, begin_card_setup, finish_card_setup
from billing.services.plan_facts import PlanFacts, plan_facts
from billing.services.plans import (
    PlanRefused,
    cancel_plan,
    remove_payment_method,
    set_payment_method,
    upgrade,
    why_method_stays,
)
from konnect_portal.foundation.pages import organization_view

VIEW, CHANGE = "billing.view_billing", "billing.change_plan"
PROVIDER_AWAY = (
    "The payment provider does not answer just now. Nothing was changed and nothing was charged. "
    "Please try again in a few minutes."
)


class SetupForm(forms.Form):
    setup = forms.UUIDField()


@require_safe
@organization_view(VIEW)
def plan(request: Any) -> HttpResponse:
    facts = _facts(request)
    may_change = request.user.has_perm(CHANGE, request.organization)
    return render(request, "billing/plan/plan.html", {"facts": facts, "may_change": may_change})


@organization_view(CHANGE)
def upgrade_plan(request: Any) -> HttpResponse:
    """Says first what Plus costs and from when on."""
    if request.method == "POST":
        return _tell(
            request,
            lambda: upgrade(request.organization.pk, by_id=request.user.pk),
            done=f"{request.organization} is on Plus.",
        )
    facts = _facts(request)
    if facts.method is None or not facts.is_free:
        return redirect("plan")
    return render(request, "billing/plan/upgrade.html", {"facts": facts})


@organization_view(CHANGE)
def cancel_plus(request: Any) -> HttpResponse:
    """Says first what ends and what will be invoiced."""
    if request.method == "POST":
        return _tell(
            request,
            lambda: cancel_plan(request.organization.pk, by_id=request.user.pk),
            done=f"Plus has ended. {request.organization} is on Free. The invoice of what was used until now follows.",
        )
    facts = _facts(request)
    if not facts.is_paid_plus:
        return redirect("plan")
    return render(request, "billing/plan/cancel.html", {"facts": facts})


@organization_view(CHANGE)
def payment_method(request: Any) -> HttpResponse:
    """Says what a card does, then sends to the provider's page, which alone sees its number."""
    if request.method == "POST":
        return_url = request.build_absolute_uri(reverse("payment_method_given"))
        try:
            url = begin_card_setup(request.organization.pk, person_id=request.user.pk, return_url=return_url)
        except ProviderError:
            messages.error(request, PROVIDER_AWAY)
        else:
            return redirect(url)
    return render(request, "billing/plan/payment_method.html", {"facts": _facts(request)})


@require_safe
@organization_view(CHANGE)
def payment_method_given(request: Any) -> HttpResponse:
    """Where the provider's page leads back to, once for each card."""
    form = SetupForm(request.GET)
    if not form.is_valid():
        raise Http404
    try:
        card = finish_card_setup(request.organization.pk, form.cleaned_data["setup"])
        method = set_payment_method(request.organization.pk, card, by_id=request.user.pk)
    except (CardSetupError, ProviderRefused, PlanRefused) as problem:
        messages.error(request, str(problem))
    except ProviderError:
        messages.error(request, PROVIDER_AWAY)
    else:
        messages.success(request, f"{method} pays for {request.organization} from now on.")
    return redirect("plan")


@organization_view(CHANGE)
def remove_card(request: Any) -> HttpResponse:
    """Says first what follows without it."""
    if request.method == "POST":
        return _tell(
            request,
            lambda: remove_payment_method(request.organization.pk, by_id=request.user.pk),
            done="The payment method is removed.",
        )
    facts = _facts(request)
    why = why_method_stays(request.organization.pk, at=facts.at)
    if facts.method is None or why:
        messages.info(request, why or "There is no payment method to remove.")
        return redirect("plan")
    return render(request, "billing/plan/remove_card.html", {"facts": facts})


def _facts(request: Any) -> PlanFacts:
    return plan_facts(request.organization.pk, at=timezone.now())


def _tell(request: Any, act: Any, *, done: str) -> HttpResponse:
    """Act, say on the plan page what came of it."""
    try:
        act()
    except PlanRefused as refusal:
        messages.error(request, f"Nothing was changed. {refusal}")
    else:
        messages.success(request, done)
    return redirect("plan")
