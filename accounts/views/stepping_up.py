"""Pages that ask once more who is there, before something that matters."""

import time
from functools import wraps

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest

from konnect_portal.foundation.pages import View, person_view


def shown_lately(request: HttpRequest) -> bool:
    """Whether this session has shown within minutes who is there: by second factor, where the person has one.

    A password does not stand for a second factor that was set up after it was typed.
    """
    since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    enough = {"mfa"} if is_mfa_enabled(request.user) else {"mfa", "password"}
    records = get_authentication_records(request, request.user)
    return any(record["method"] in enough and record["at"] >= since for record in records)


def step_up(view: View) -> View:
    """A page for whoever has shown within minutes, once more that it is them, by second factor if they have one."""
    return person_view(asking_again(view))


def asking_again(view: View) -> View:
    """`step_up` for a page that asks already who is there, such as an `organization_view`."""

    @wraps(view)
    def inner(request, *args, **kwargs):
        if not shown_lately(request):
            _forget_passwords(request)
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return inner


def asking_second_factor(view: View) -> View:
    """`asking_again` for a page whose form asks for the password anyway: only those with a second factor are asked."""
    asking = asking_again(view)

    @wraps(view)
    def inner(request, *args, **kwargs):
        page = asking if is_mfa_enabled(request.user) else view
        return page(request, *args, **kwargs)

    return inner


def _forget_passwords(request: HttpRequest) -> None:
    """A form that is sent waits in the session until it has been asked: a password is typed again instead."""
    kept = request.POST.copy()
    for name in request.POST:
        if "password" in name:
            del kept[name]
    request.POST = kept  # type: ignore[assignment]
