from uuid import UUID

from accounts import lifecycle
from accounts.errors import LifecycleError
from accounts.management.staff_command import StaffCommand, text
from accounts.models import User
from accounts.words import Via


class Command(StaffCommand):
    help = "Reactivate an organization (P50 to P53)."

    def add_arguments(self, parser):
        parser.add_argument("id", type=UUID, metavar="ID", help="the organization's id")
        parser.add_argument("--reason", required=True, type=text, metavar="SENTENCE", help="why, in a sentence")
        parser.add_argument("--restore-people", action="store_true", help="put people back into teams and roles")
        parser.add_argument(
            "--owner", type=text, metavar="EMAIL", help="the new owner, where the old account is closed"
        )
        super().add_arguments(parser)

    def act(self, *, actor, id, reason, ticket, restore_people, owner, **options):
        organization = self.organization(id)
        event = lifecycle.reactivate_organization(
            id,
            note=reason,
            actor=actor,
            via=Via.COMMAND,
            ticket=ticket,
            restore_people=restore_people,
            owner=_person(owner) if owner else None,
        )
        counts = event.details["counts"]
        return (
            f"{organization.name} is active: {counts['control_planes']} control planes came back, "
            f"{counts['licenses']} licenses are new, {counts['locks']} address locks were released."
        )


def _person(email: str) -> User:
    person = User.objects.of_address(email).first()
    if person is None:
        raise LifecycleError(f"Nobody has an account with the address {email}.")
    return person
