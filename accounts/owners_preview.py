"""What a deactivation will change, in the words of the owner who is about to do it (P39, P71)."""

from collections.abc import Iterable

from accounts.columns import Column, Line, line, locked_addresses, what_ends, what_is_gone, what_runs_on
from accounts.previews import DeactivationPreview
from konnect_portal.foundation.moments import absolute


def columns_of(preview: DeactivationPreview, *, when: str, closing_account: bool = False) -> list[Column]:
    """What it will, what it will not, and the way back.

    `when` says when control planes are taken down: "in 72 hours". `closing_account`: the owner closes their account
    in the same act (P56).
    """
    return [
        Column("This will", "stop", [*what_ends(preview, when=when), *_shuts(preview)]),
        Column("This will not", "keep", _keeps(preview, closing_account)),
        Column("The way back", "undo", _way_back(preview)),
    ]


def _shuts(preview: DeactivationPreview) -> Iterable[Line]:
    name = preview.organization.name
    both = " and the contact e-mail" if len(preview.scope.addresses) > 1 else ""
    yield line(
        f"Lock your own address{both}: no new organization with it until support unlocks it", locked_addresses(preview)
    )
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
        line("Your own address stays locked until then, or until support unlocks it"),
        *what_is_gone(),
    ]
