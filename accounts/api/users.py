"""The people of an organization, and inviting more (P1, P2, P7)."""

from uuid import UUID

from allauth.core import ratelimit
from django.db import transaction
from ninja import Router

from accounts.api.calls import EVERY_HOLDER, MANAGE_PEOPLE, READ_PEOPLE, ApiRequest, acting
from accounts.api.kinds import PERSON, UserOut, is_own
from accounts.models import Membership, User
from accounts.services.invitations import ALL, MEMBER_ALREADY, InvitationsRefused, invite_people
from accounts.services.members import remove_member
from konnect_portal.foundation.api import not_found
from konnect_portal.foundation.bodies import Body, Name, Text
from konnect_portal.foundation.problems import Problem, invalid

router = Router()


class NamesIn(Body):
    full_name: Name = ""
    preferred_name: Text = ""


class InviteIn(Body):
    email: Name


@router.get("/users", auth=READ_PEOPLE, response=PERSON.page)
def list_users(request: ApiRequest) -> dict:
    return PERSON.listing.page(request, PERSON.of(request.auth.organization))


@router.get("/users/{user_id}", auth=READ_PEOPLE, response=UserOut)
def read_user(request: ApiRequest, user_id: UUID) -> User:
    return PERSON.find(request, user_id)


@router.patch("/users/{user_id}", auth=EVERY_HOLDER, response=UserOut)
@transaction.atomic
def rename_user(request: ApiRequest, user_id: UUID, body: NamesIn) -> User:
    """By the person alone, for the account is theirs in every organization that they belong to (P1)."""
    if not is_own(request, user_id, READ_PEOPLE):
        raise Problem(403, "One account serves all organizations of a person, so nobody else can change their name")
    user = User.objects.hold(user_id)
    names = body.model_dump(exclude_unset=True)
    for field, name in names.items():
        setattr(user, field, name)
    user.save(update_fields=[*names, "updated_at"])
    return user


@router.delete("/users/{user_id}", auth=MANAGE_PEOPLE, response={204: None})
def delete_user(request: ApiRequest, user_id: UUID) -> None:
    """Take them out of the organization; the account and its other organizations are untouched (P1)."""
    try:
        remove_member(request.auth.organization.pk, user_id, **acting(request))
    except Membership.DoesNotExist:
        raise not_found(User) from None


@router.post("/invites", auth=MANAGE_PEOPLE, response={201: None})
def invite(request: ApiRequest, body: InviteIn) -> None:
    organization = request.auth.organization
    if not ratelimit.consume(request, action="invite", key=str(organization.pk)):
        raise Problem(429, f"{organization.name} has sent too many invitations. Wait before you send more.")
    try:
        invite_people(organization.pk, [body.email], **acting(request))
    except InvitationsRefused as refusal:
        [(address, reason)] = refusal.reasons.items()
        if reason == MEMBER_ALREADY:
            raise Problem(409, "User is already active") from None
        raise invalid("email", reason if address == ALL else f"{address} {reason}") from None
