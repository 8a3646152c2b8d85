"""What another address for a person takes, whoever asked for it: what is held, what forbids it, what follows it."""

from uuid import UUID

from allauth.account.models import EmailAddress

from accounts.models import AddressChange, Membership, Organization, User
from accounts.services.locks import is_locked
from accounts.words import RecoveryStopped
from konnect_portal.foundation.outbox import NewMail, queue_mails

REFUSALS = {
    RecoveryStopped.LOCKED: "It is locked, because an organization that it belonged to was deactivated.",
    RecoveryStopped.TAKEN: "It has an account of its own already.",
}


class PersonMoved(Exception):
    """Another organization became theirs just now, which is not held: try once more."""


def hold_person(user_id: UUID) -> User:
    """Hold the organizations that the person owns or is in, by id, and then the person.

    So a deactivation locks the address that its owner has when it commits (P45), and no token is made meanwhile.
    Raises PersonMoved, and User.DoesNotExist where the account is closed.
    """
    ids = _organizations_of(user_id)
    list(Organization.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    person = User.objects.hold(user_id)
    if _organizations_of(user_id) - ids:
        raise PersonMoved
    return person


def obstacle_of(email: str) -> RecoveryStopped | None:
    """Why nobody can take this address: it is locked (P45) or somebody has it (P1). To act on it, hold it first."""
    if is_locked(email):
        return RecoveryStopped.LOCKED
    return RecoveryStopped.TAKEN if User.objects.of_address(email).exists() else None


def replace_address(person: User, email: str) -> None:
    """Make a proven address the person's (P1), and that of contact where it was the same (P2); tell the old one.

    The caller holds the person by `hold_person`, and the address.
    """
    old = person.email
    person.email = email
    person.save(update_fields=["email", "updated_at"])
    EmailAddress.objects.filter(user=person).delete()
    EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    AddressChange.objects.filter(user=person).delete()
    Organization.objects.filter(owner=person, contact_email=old).update(contact_email=email)
    queue_mails([NewMail(to=old, kind="address_changed", context={"new_address": email}, person_id=person.pk)])


def _organizations_of(user_id: UUID) -> set[UUID]:
    return {
        *Organization.objects.filter(owner=user_id).values_list("pk", flat=True),
        *Membership.objects.filter(user=user_id).values_list("organization_id", flat=True),
    }
