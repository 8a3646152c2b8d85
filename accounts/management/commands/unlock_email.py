from accounts import lifecycle
from accounts.management.staff_command import StaffCommand, text
from accounts.words import Via


class Command(StaffCommand):
    help = "Release every live lock on an e-mail address (P54)."

    def add_arguments(self, parser):
        parser.add_argument("address", type=text, metavar="ADDRESS")
        parser.add_argument("--reason", required=True, type=text, metavar="SENTENCE", help="why, in a sentence")
        super().add_arguments(parser)

    def act(self, *, actor, address, reason, ticket, **options):
        event = lifecycle.unlock_email(address, note=reason, ticket=ticket, actor=actor, via=Via.COMMAND)
        return f"{address} is free again: {event.details['counts']['locks']} locks were released."
