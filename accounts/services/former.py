"""What somebody can still read of organizations that they own and that are no longer active (P41)."""

from accounts.models import Organization, User
from accounts.models.organizations import OrganizationQuerySet
from accounts.words import State


def with_issued_invoices(person: User) -> OrganizationQuerySet:
    """The person's organizations that are no longer active and of which invoices were issued."""
    ended = Organization.objects.filter(owner=person).exclude(state=State.ACTIVE)
    return ended.filter(invoices__issued_at__isnull=False).distinct()
