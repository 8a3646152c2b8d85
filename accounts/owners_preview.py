"""What a deactivation, or closing an account, will change, in the words of who is about to do it (P39, P56, P71)."""

from collections.abc import Iterable

from django.conf import settings

from accounts.columns import Column, Line, counted, line, locked_addresses, what_ends, what_is_gone, what_runs_on
from accounts.previews import Closing, DeactivationPreview
from accounts.words import State
from konnect_portal.foundation.moments import absolute


def columns_of(preview: DeactivationPreview, *, when: str, closing_account: bool = False) -> list[Column]:
    """What it will, what it will not, and the way back.

    `when` says when control planes are taken down: "in 72 hours". `closing_account`: the owner closes their account
    in the same act (P56).
    """
    return [
        Column("This will", "stop", [*what_ends(preview, when=when), *_shuts(preview, closing_account)]),
        Column("This will not", "keep", _keeps(preview, closing_account)),
        Column("The way back", "undo", _way_back(preview)),
    ]


def columns_of_closing(closing: Closing) -> list[Column]:
    """What becomes of the account, whatever is chosen for the organizations that the person owns."""
    return [
        Column("This will", "stop", list(_closes(closing))),
        Column("This will not", "keep", list(_leaves_alone(closing))),
        Column("The way back", "undo", _reopening()),
    ]


def _closes(closing: Closing) -> Iterable[Line]:
    yield line("Sign you out everywhere; your password, second factor and passkeys no longer work")
    if closing.organizations:
        count = counted(len(closing.organizations), "organization")
        yield line(
            f"Take you out of {count}, with your teams, roles and access tokens there", map(str, closing.organizations)
        )
    if closing.owned:
        yield line("Hand over or deactivate each organization that you own, as you choose below")
    yield line("Take your name and address off every page")


def _leaves_alone(closing: Closing) -> Iterable[Line]:
    going_on = [organization for organization in closing.left if organization.state == State.ACTIVE]
    if going_on:
        yield line("Stop organizations that others own: they go on without you", map(str, going_on))
    if closing.ended:
        yield line(
            "Change organizations of yours that are deactivated already: there is nothing to choose for them",
            map(str, closing.ended),
        )
    yield line("Change issued invoices, or the history of organizations: both keep your name")
    if not closing.owned and not closing.ended:
        yield line("Lock your e-mail address: you can sign up with it anew")


def _reopening() -> list[Line]:
    days = settings.RETENTION_DAYS
    return [
        line(
            "Only support can open it again: while a deactivated organization of yours is kept, "
            f"or for {days} days if you have none"
        ),
        line("You come back with your name and address, and as owner of what was deactivated"),
        line("You are a member of no other organization then, unless somebody invites you"),
        line("Not once somebody has signed up with your address anew, you yourself among them"),
    ]


def _shuts(preview: DeactivationPreview, closing_account: bool) -> Iterable[Line]:
    """Whoever closes their account belongs nowhere else afterwards, so of other organizations nothing is said."""
    name = preview.organization.name
    locked = preview.scope.addresses if closing_account else locked_addresses(preview)
    both = " and the contact e-mail" if len(preview.scope.addresses) > 1 else ""
    yield line(f"Lock your own address{both}: no new organization with it until support unlocks it", locked)
    yield line(f"Refuse everyone who comes to {name} from now on, you too, in every geo")
    yield line("Tell you and its admins by mail", (user.email for user in preview.scope.admins))


def _keeps(preview: DeactivationPreview, closing_account: bool) -> list[Line]:
    accounts = "the account of any other member" if closing_account else "your account or anybody else’s"
    return [
        line(
            f"Stop {what_runs_on(preview)}: they run on without new configuration, and only you can stop them, "
            "where they run"
        ),
        line(f"Close {accounts}, or touch your other organizations and theirs"),
        line("Recall licenses already received"),
        line("Change issued invoices"),
        line("Delete anything yet: members, usage and history are kept"),
    ]


def _way_back(preview: DeactivationPreview) -> list[Line]:
    return [
        line(
            f"Only support can undo it, until {absolute(preview.purge_at)}; "
            f"then the data of {preview.organization.name} is deleted"
        ),
        line(f"Your own address stays locked until support unlocks it or brings {preview.organization.name} back"),
        *what_is_gone(),
    ]
