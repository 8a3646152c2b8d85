"""Who sees a page of My Account: the person signed in, and nobody's cache."""

from functools import wraps

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters


def own_view(view):
    """A page of the customer signed in; staff have no such page (404)."""

    @never_cache
    @login_required
    @sensitive_post_parameters()
    @wraps(view)
    def inner(request, *args, **kwargs):
        if request.user.is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    return inner


def step_up(view):
    """A page for whoever has shown within minutes, once more that it is them, by second factor if they have one."""

    @wraps(view)
    def inner(request, *args, **kwargs):
        if not did_recently_reauthenticate(request):
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return own_view(inner)
