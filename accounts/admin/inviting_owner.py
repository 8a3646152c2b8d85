"""Acts where the owner's account is closed and nobody else is to be named: an address is invited instead (P53)."""

from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from accounts.admin import columns
from accounts.admin.acts import OrganizationAct
from accounts.admin.confirming import Shown, digest_of_rows, said, worded
from accounts.admin.forms import InviteOwnerForm, WordForm
from accounts.admin.proving import proofs_for
from accounts.columns import Column, line
from accounts.errors import PreviewChanged
from accounts.models import Organization, OwnerInvitation
from accounts.owner_invitations import RIGHT, invite_owner, revoke_owner_invitation
from accounts.previews import reactivation_of
from accounts.words import State, Wish
from konnect_portal.foundation.moments import absolute


class InviteOwner(OrganizationAct):
    """Nothing changes until the address accepts."""

    name = "invite-owner"
    permission = RIGHT
    title = "Invite an owner"
    done = "The invitation is on its way. {} stays deactivated until it is accepted."
    form = InviteOwnerForm

    def button(self, target):
        return f"Invite an owner for {target.name}"

    def applies(self, target):
        return target.state == State.INACTIVE and not target.owner.is_active

    def show(self, user, target):
        preview = reactivation_of(target, at=timezone.now())
        comes_back, can_come_back, gone = columns.of_reactivation(preview)
        void = [line("The invitation that waits is void", [each.email]) for each in _waiting(target)]
        return Shown(
            [
                replace(comes_back, title="Comes back once it is accepted"),
                can_come_back,
                replace(gone, lines=[*gone.lines, *void]),
            ],
            preview.digest,
            {"proofs": proofs_for(user, Wish.REACTIVATE, target.pk)},
        )

    def act(self, target, *, data, expected, **who):
        invite_owner(
            target.pk,
            email=data["email"],
            restore_people=data["restore_people"],
            expected=expected,
            **said(data),
            **who,
        )


class RevokeOwnerInvitation(OrganizationAct):
    name = "revoke-owner-invitation"
    permission = RIGHT
    title = "Revoke the invitation"
    done = "The invitation is revoked. {} stays deactivated."
    form = WordForm

    def button(self, target):
        return f"Revoke the invitation to own {target.name}"

    def applies(self, target):
        return _waiting(target).exists()

    def missed(self, target):
        return f"Nobody is invited to own {target.name} any more: nothing was changed."

    def refusal(self, target):
        return None

    def show(self, user, target):
        waiting = list(_waiting(target))
        void = [line(f"Void the link mailed to {each}, good until {absolute(each.expires_at)}") for each in waiting]
        keeps = [line(f"Change anything of {target.name}"), line("Tell the address, which learns it by the link")]
        undoing = [line("The address can be invited again, by another link")]
        return Shown(
            [
                Column("This will", "stop", void),
                Column("This will not", "keep", keeps),
                Column("Undoing it", "undo", undoing),
            ],
            digest_of_rows(waiting),
        )

    @transaction.atomic
    def act(self, target, *, data, expected, **who):
        Organization.objects.select_for_update(no_key=True).get(pk=target.pk)
        if digest_of_rows(_waiting(target)) != expected:
            raise PreviewChanged
        revoke_owner_invitation(target.pk, **worded(data), **who)


def _waiting(organization):
    return OwnerInvitation.objects.waiting().filter(organization=organization)


ACTS = [InviteOwner(), RevokeOwnerInvitation()]
