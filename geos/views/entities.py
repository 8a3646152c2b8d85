"""What a gateway control plane is configured with: services, and consumers that call them (P11, P12)."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from geos.errors import GeoRefusal
from geos.forms import ConsumerForm, NewConsumerForm, NewServiceForm, ServiceForm, add_refusal
from geos.models import Consumer, GatewayService
from geos.services.entities import (
    change_consumer,
    change_service,
    create_consumer,
    create_service,
    delete_consumer,
    delete_service,
)
from geos.views.permitted import ControlPlaneRequest, acting_view, place

SERVICES, CONSUMERS = "geos.change_gatewayservice", "geos.change_consumer"


@acting_view(SERVICES)
def new_service(request: ControlPlaneRequest) -> HttpResponse:
    return _ask(request, NewServiceForm, create_service, title="Add a service", submit="Add the service")


@acting_view(SERVICES)
def edit_service(request: ControlPlaneRequest, service_id: UUID) -> HttpResponse:
    service = get_object_or_404(request.control_plane.services, pk=service_id)
    return _edit(request, ServiceForm, change_service, service)


@acting_view(SERVICES)
def remove_service(request: ControlPlaneRequest, service_id: UUID) -> HttpResponse:
    service = get_object_or_404(request.control_plane.services, pk=service_id)
    return _remove(request, delete_service, service, "Requests to it are answered by nobody any more.")


@acting_view(CONSUMERS)
def new_consumer(request: ControlPlaneRequest) -> HttpResponse:
    return _ask(request, NewConsumerForm, create_consumer, title="Add a consumer", submit="Add the consumer")


@acting_view(CONSUMERS)
def edit_consumer(request: ControlPlaneRequest, consumer_id: UUID) -> HttpResponse:
    consumer = get_object_or_404(request.control_plane.consumers, pk=consumer_id)
    return _edit(request, ConsumerForm, change_consumer, consumer)


@acting_view(CONSUMERS)
def remove_consumer(request: ControlPlaneRequest, consumer_id: UUID) -> HttpResponse:
    consumer = get_object_or_404(request.control_plane.consumers, pk=consumer_id)
    return _remove(request, delete_consumer, consumer, "Whoever calls as this consumer is not known any more.")


def _ask(
    request: ControlPlaneRequest,
    form_class: type[forms.Form],
    act: Callable,
    *ids: UUID,
    title: str,
    submit: str,
    initial: dict[str, Any] | None = None,
) -> HttpResponse:
    """The form; once it is right, `act` with what it says."""
    form = form_class(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            act(*place(request), *ids, **form.cleaned_data)
            return redirect("control_plane", request.control_plane.pk)
        except GeoRefusal as refusal:
            add_refusal(form, refusal)
    context = {"form": form, "control_plane": request.control_plane, "title": title, "submit": submit}
    return render(request, "geos/entity.html", context)


def _edit(
    request: ControlPlaneRequest, form_class: type[forms.Form], act: Callable, entity: GatewayService | Consumer
) -> HttpResponse:
    now = {name: getattr(entity, name) for name in form_class.base_fields}
    return _ask(request, form_class, act, entity.pk, initial=now, title=f"Change {entity}", submit=f"Save {entity}")


def _remove(
    request: ControlPlaneRequest, act: Callable, entity: GatewayService | Consumer, meaning: str
) -> HttpResponse:
    if request.method == "POST":
        act(*place(request), entity.pk)
        messages.success(request, f"{entity} was deleted. Nodes learn of it when they next check in.")
        return redirect("control_plane", request.control_plane.pk)
    context = {"entity": entity, "control_plane": request.control_plane, "meaning": meaning}
    return render(request, "geos/delete_entity.html", context)
