"""What colleagues write down on a case; no customer ever sees it."""

from uuid import UUID

from accounts.errors import LifecycleError
from accounts.models import CaseNote, Organization, User

RIGHT = "accounts.write_note"


def write_note(id: UUID, organization_id: UUID, *, text: str, ticket: str = "", author: User) -> CaseNote:
    """Keep a note for good. One form sent twice, told by `id`, leaves one.

    LifecycleError where it is empty or the author may not, Organization.DoesNotExist.
    """
    organization = Organization.objects.get(pk=organization_id)
    if not author.has_perm(RIGHT, organization):
        raise LifecycleError(f"{author.email} may not write notes: it needs an agent.")
    if not text.strip():
        raise LifecycleError("Please write something: the note is empty.")
    said = {"organization": organization, "author_id": author.pk, "text": text.strip(), "ticket": ticket.strip()}
    return CaseNote.objects.get_or_create(id=id, defaults=said)[0]
