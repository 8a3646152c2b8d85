"""What stands in the head of a page: the organization entered, and where in it the person may go."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import cached_property

from konnect_portal.foundation.problems import Problem


@dataclass(frozen=True)
class Place:
    """A link of the navigation."""

    title: str
    url: str
    is_current: bool


class Navigation:
    """Asks for nothing until a page shows it, so that error pages and sign-in ask for nothing at all."""

    paths = settings.PATHS
    """Where a person's own pages are, whatever organization they are in."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def organization(self):
        """The one this session works in, or None. A head refuses nobody: that is for the page to do."""
        try:
            return self.request.organization or None  # type: ignore[attr-defined]
        except Problem:
            return None

    @cached_property
    def places(self) -> list[Place]:
        """Of `settings.NAVIGATION` (title, path, permission), those the person may go to in this organization."""
        if self.organization is None:
            return []
        may = getattr(self.request, "permissions", None) or self.request.user.get_all_permissions(self.organization)
        return [Place(title, url, self._is_current(url)) for title, url, perm in settings.NAVIGATION if perm in may]

    def _is_current(self, url: str) -> bool:
        """A page belongs to the place above it; the home, which is above all of them, only to itself."""
        path = self.request.path
        return path == url or (url != "/" and path.startswith(url))


def navigation(request: HttpRequest) -> dict:
    """Context processor: `navigation.organization`, `navigation.places` and `navigation.paths`."""
    return {"navigation": Navigation(request)}
