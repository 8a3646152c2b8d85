"""How it can be shown that a customer asks, as the forms offer it (P73)."""

from uuid import UUID

from django.utils import timezone

from accounts.models import User
from accounts.services.requests import proofs_of
from accounts.words import Proof, Wish
from konnect_portal.foundation.moments import absolute


def proofs_for(user: User, wish: Wish, *organization_ids: UUID) -> list[tuple[str, str]]:
    """The newest request of each kind that asks for the act, and for a lead their own word."""
    newest: dict[str, str] = {}
    asking = (request for request in proofs_of(organization_ids, at=timezone.now()) if request.wish == wish)
    for request in asking:
        said = f"{request.get_proof_display()}: {request}, {absolute(request.asked_at)}"
        newest.setdefault(request.proof, said)
    if user.has_perm("accounts.give_word"):
        newest[Proof.LEAD_WORD] = Proof.LEAD_WORD.label
    return list(newest.items())
