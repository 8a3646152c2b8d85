from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts import lifecycle
from accounts.admin.columns import of_deactivation, when_taken_down
from accounts.errors import LifecycleError
from accounts.management.staff_command import StaffCommand, storable
from accounts.models import Organization
from accounts.second_lead import ask_to_deactivate
from accounts.services.contracts import needing_second_lead
from accounts.words import STAFF_REASONS, Reason, State, Via

TAKE_DOWN = {"now": timedelta(0), "later": timedelta(hours=settings.TAKE_DOWN_DELAY_HOURS)}


class Command(StaffCommand):
    help = "Deactivate an organization (P39 to P49)."

    def add_arguments(self, parser):
        parser.add_argument("id", type=UUID, metavar="ID", help="the organization's id")
        parser.add_argument("--reason", required=True, choices=[reason.value for reason in STAFF_REASONS])
        parser.add_argument("--note", default="", type=storable, help="for colleagues; customers never see it")
        parser.add_argument("--take-down", choices=TAKE_DOWN, help="when control planes are taken down")
        super().add_arguments(parser)

    def act(self, *, actor, id, reason, ticket, note, take_down, **options):
        organization = self.organization(id)
        if needing_second_lead([id], at=timezone.now()):
            self.ask(organization, actor=actor, reason=Reason(reason), ticket=ticket, note=note, take_down=take_down)
        take_down_at = timezone.now() + TAKE_DOWN[take_down] if take_down else None
        events = lifecycle.deactivate_organizations(
            [id],
            reason=Reason(reason),
            actor=actor,
            via=Via.COMMAND,
            ticket=ticket,
            note=note,
            take_down_at=take_down_at,
        )
        if not events:
            organization.refresh_from_db()
            raise LifecycleError(_why_not(organization))
        counts = events[0].details["counts"]
        return (
            f"{organization.name} was deactivated: {counts['subscriptions']} subscriptions ended, "
            f"{counts['control_planes']} control planes stopped, {counts['people']} people removed from "
            f"{counts['teams']} teams, {counts['addresses']} addresses locked."
        )

    def ask(self, organization, *, take_down, **said):
        """Have a second lead asked (P71): nothing was changed, and the exit status says so."""
        approval = ask_to_deactivate(
            organization.pk,
            via=Via.COMMAND,
            take_down=take_down or "",
            show=partial(of_deactivation, when=when_taken_down(take_down or "")),
            **said,
        )
        page = settings.PUBLIC_URL.rstrip("/") + reverse("admin:accounts_approval_change", args=[approval.pk])
        raise LifecycleError(
            f"{organization.name} is on Enterprise, or was until lately: a second lead was asked to confirm it within "
            f"{settings.APPROVAL_HOURS} hours, at {page}"
        )


def _why_not(organization: Organization) -> str:
    if organization.state == State.INACTIVE:
        return f"{organization.name} was deactivated already, on {organization.deactivated_at:%d %b %Y, %H:%M} UTC."
    return f"{organization.name} was purged."
