from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.access import OrganizationDeactivated
from accounts.models import Organization


def portal(request: HttpRequest) -> dict:
    """What every page's frame may show. Nothing is asked of the database before a template asks for it."""
    return {
        "organization": SimpleLazyObject(lambda: _organization_shown(request)),
        "support_url": settings.SUPPORT_URL,
    }


def _organization_shown(request: HttpRequest) -> Organization | None:
    """The organization entered, none where it was deactivated: a page about the person stays open to them (P40)."""
    try:
        return getattr(request, "organization", None) or None
    except OrganizationDeactivated:
        return None
