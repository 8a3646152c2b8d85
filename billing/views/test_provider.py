"""The embedded provider's page: the other side's, so it asks nobody who they are. Gone where another is chosen."""

from uuid import UUID

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from billing.models import EmbeddedCard
from billing.providers.embedded import give_card, setup_asked


class CardForm(forms.Form):
    card = forms.ChoiceField(
        choices=EmbeddedCard.Kind.choices,
        initial=EmbeddedCard.Kind.ACCEPTED,
        widget=forms.RadioSelect,
        label="Test card",
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Please choose a test card."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def card_page(request: HttpRequest, id: UUID) -> HttpResponse:
    """Choose one of the test cards, once, and go back to where it was asked for."""
    asked = setup_asked(id) if settings.PAYMENT_PROVIDER == "embedded" else None
    if asked is None:
        raise Http404
    form = CardForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        give_card(id, form.cleaned_data["card"])
        return redirect(asked.return_url)
    return render(request, "billing/test_provider.html", {"form": form, "submit": "Add this card"})
