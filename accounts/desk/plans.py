"""The plan in force of each organization of a list, and what staff call it."""

from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Organization
from billing.models import Plan, Subscription

PLAN_NAMES = {**dict(Plan.choices), "trial": "Plus trial"}


def running(at: datetime):
    return Subscription.objects.running(at).filter(organization=OuterRef("pk"))


def with_plan(organizations: QuerySet[Organization], *, at: datetime) -> QuerySet[Organization]:
    """Annotate what `plan_name` asks for."""
    return organizations.annotate(
        running_plan=Subquery(running(at).values("plan")[:1]),
        runs_trial=Coalesce(Subquery(running(at).values("is_trial")[:1]), False),
    )


def plan_name(organization) -> str:
    """The plan in force, of an organization read `with_plan`."""
    return name_of(organization.running_plan, organization.runs_trial)


def name_of(plan: str | None, is_trial: bool) -> str:
    """What staff call a plan that is in force; None is Free."""
    return PLAN_NAMES["trial" if is_trial else plan or Plan.FREE]
