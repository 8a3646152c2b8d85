import json
from io import StringIO

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from konnect_portal.benchmarks import deactivation, desk, inactivity, pages, usage
from konnect_portal.benchmarks.measuring import Case, ResultsDiffer, own_database

BENCHMARKS = {
    "deactivation": deactivation,
    "desk": desk,
    "inactivity": inactivity,
    "pages": pages,
    "usage": usage,
}


class Command(BaseCommand):
    help = "Measure how fast the portal is, in a database of its own beside the portal's."

    def add_arguments(self, parser):
        parser.add_argument("benchmark", choices=BENCHMARKS)
        parser.add_argument("--organizations", metavar="N", type=int, help="how many to measure with")
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *, benchmark, organizations, **options):
        module = BENCHMARKS[benchmark]
        organizations = module.ORGANIZATIONS if organizations is None else organizations
        if organizations < 1:
            raise CommandError("It takes at least one organization to measure with.", returncode=2)
        try:
            with own_database():
                cases = module.run(organizations)
        except ResultsDiffer as difference:
            raise CommandError(str(difference)) from None
        if options["json"]:
            told = {
                "benchmark": benchmark,
                "organizations": organizations,
                "cases": [each.as_json() for each in cases],
            }
            self.stdout.write(json.dumps(told, indent=2))
        else:
            self._tell(cases)
        missed = [case.case for case in cases if not case.holds]
        if missed:
            raise CommandError(f"The goal does not hold of {', '.join(missed)}.")

    def _tell(self, cases: list[Case]):
        table = Table("", "Seconds", "Per second", "Of the floor", "Times the rival", "At least")
        for case in cases:
            table.add_row(
                case.case,
                f"{case.seconds:.3f}",
                f"{case.per_second:,.0f}",
                "" if case.to_floor is None else f"{case.to_floor:.2f}",
                "" if case.to_rival is None else f"{case.to_rival:.1f}",
                case.goal or "",
            )
        page = StringIO()
        Console(file=page, width=120, highlight=False).print(table)
        self.stdout.write(page.getvalue(), ending="")
