"""Who acts through a page, as the services are told of it."""

from typing import Any

from allauth.account.adapter import get_adapter
from django.http import HttpRequest

from accounts.words import Via


def acting(request: HttpRequest, via: Via = Via.PAGES) -> dict[str, Any]:
    """`actor`, `via` and `address` of whoever is signed in."""
    return {"actor": request.user, "via": via, "address": get_adapter().get_client_ip(request)}
