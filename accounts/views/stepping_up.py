"""Pages that ask once more who is there, before something that matters."""

from functools import wraps

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired

from konnect_portal.foundation.pages import View, person_view


def step_up(view: View) -> View:
    """A page for whoever has shown within minutes, once more that it is them, by second factor if they have one."""

    @wraps(view)
    def inner(request, *args, **kwargs):
        if not did_recently_reauthenticate(request):
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return person_view(inner)
