from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Collate, Concat, Least, Lower, Trim
from django.utils import timezone

from accounts.words import Reason, State
from konnect_portal.foundation.fields import uuid_key

LOGIN_PATH = r"^[A-Za-z0-9]+$"
CONTACT_PREFIX = Collate("contact_email", "C")
NAME_PREFIX = Collate(Lower("name"), "C")
"""In this order those with the same beginning lie together, whatever the database's own order is."""


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def active(self):
        return self.filter(state=State.ACTIVE)

    def inactive(self):
        return self.filter(state=State.INACTIVE)

    def on_hold(self, at):
        """Those a lead has put on hold until later than `at` (P58)."""
        return self.filter(hold_until__gt=at)

    def not_on_hold(self, at):
        return self.exclude(hold_until__gt=at)

    def usage_came_late(self):
        """Those of which a lead has to decide whether taking down goes on (P68)."""
        return self.filter(late_usage_at__isnull=False)

    def hold_all(
        self,
        ids: Iterable[UUID],
        *,
        still: Callable[[Collection["Organization"]], Collection[UUID]] | None = None,
    ) -> list["Organization"]:
        """Lock those of `ids` that this queryset still holds, in order of id, until the transaction ends (habit 1).

        `still` is asked of them under the lock, and those that it names are kept. Whoever is missing came too late.
        """
        held: list[Organization] = list(self.filter(pk__in=list(ids)).order_by("pk").select_for_update(of=("self",)))
        if still is None or not held:
            return held
        agreed = set(still(held))
        return [organization for organization in held if organization.pk in agreed]

    def hold(self, id: UUID) -> "Organization":
        """Lock an active organization while something is added to it; DoesNotExist where it is not active.

        A foreign key's own lock does not wait for a change of state, this one does.
        """
        return self.active().select_for_update(no_key=True).get(pk=id)

    def lower_inactive_at(self, at: datetime) -> None:
        """Keep the lower bound below the moment of P62 where a plan begins or ends at `at` (habit 7).

        From then on nobody is inactive before `at` + 30 days, since coming onto Free counts as a login. But a new
        anchor, or a trial that ends early, can bring the exact moment forward to that.
        """
        self.active().update(inactive_at=Least("inactive_at", at + timedelta(days=settings.INACTIVITY_DAYS)))


class Organization(models.Model):
    """A customer's organization. `accounts.lifecycle` alone changes its state.

    `inactive_at` is a lower bound of the moment of P62, never later than it, null unless active; `last_login_at` never
    moves back, whoever leaves. `late_usage_at` is when usage was found that would have kept the check from acting,
    null again once a lead has decided (P68).
    """

    id = uuid_key()
    name = models.CharField(max_length=250)
    contact_email = models.CharField(max_length=250)
    login_path = models.CharField(max_length=250, null=True, blank=True)
    owner = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="owned_organizations")
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    reactivated_at = models.DateTimeField(null=True, blank=True)
    deactivated_at = models.DateTimeField(null=True, blank=True)
    deactivation_reason = models.CharField(max_length=20, choices=Reason, blank=True)
    deactivation_event_id = models.UUIDField(null=True, blank=True)
    purge_at = models.DateTimeField(null=True, blank=True)
    last_login_at = models.DateTimeField(null=True, blank=True)
    inactive_at = models.DateTimeField(null=True, blank=True)
    hold_until = models.DateTimeField(null=True, blank=True)
    hold_reason = models.TextField(blank=True)
    hold_ticket = models.CharField(max_length=100, blank=True)
    late_usage_at = models.DateTimeField(null=True, blank=True)
    import_digest = models.CharField(max_length=64, blank=True)
    search = models.GeneratedField(
        expression=Lower(
            Concat(
                "name",
                models.Value(" "),
                "contact_email",
                models.Value(" "),
                Coalesce("login_path", models.Value("")),
            )
        ),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="organization_state_known"),
            models.CheckConstraint(
                condition=Q(state=State.ACTIVE, inactive_at__isnull=False)
                | (~Q(state=State.ACTIVE) & Q(inactive_at__isnull=True)),
                name="organization_inactive_at_while_active",
            ),
            models.CheckConstraint(
                condition=Q(
                    state=State.ACTIVE,
                    deactivated_at__isnull=True,
                    deactivation_reason="",
                    deactivation_event_id__isnull=True,
                    purge_at__isnull=True,
                )
                | (
                    ~Q(state=State.ACTIVE)
                    & Q(
                        deactivated_at__isnull=False,
                        deactivation_reason__in=Reason.values,
                        deactivation_event_id__isnull=False,
                        purge_at__isnull=False,
                    )
                ),
                name="organization_deactivation_told",
            ),
            models.CheckConstraint(
                condition=Q(hold_until__isnull=True, hold_reason="", hold_ticket="")
                | (Q(hold_until__isnull=False) & ~Q(hold_reason="") & ~Q(hold_ticket="")),
                name="organization_hold_explained",
            ),
            models.CheckConstraint(
                condition=Q(late_usage_at__isnull=True)
                | (~Q(state=State.ACTIVE) & Q(deactivation_reason=Reason.INACTIVITY)),
                name="organization_late_usage_of_check",
            ),
            models.CheckConstraint(condition=~Q(name="") & ~Q(contact_email=""), name="organization_named"),
            models.CheckConstraint(
                condition=Q(contact_email=Lower(Trim("contact_email"))),
                name="organization_contact_normalized",
            ),
            models.CheckConstraint(
                condition=Q(login_path__isnull=True) | Q(login_path__regex=LOGIN_PATH),
                name="organization_login_path_plain",
            ),
            models.UniqueConstraint(Lower("login_path"), name="one_organization_per_login_path"),
        ]
        indexes = [
            models.Index(
                fields=["inactive_at"],
                name="organization_due",
                condition=Q(inactive_at__isnull=False),
            ),
            models.Index(
                fields=["late_usage_at"],
                name="organization_late_usage",
                condition=Q(late_usage_at__isnull=False),
            ),
            models.Index(
                fields=["purge_at"],
                name="organization_purge",
                condition=Q(purge_at__isnull=False),
            ),
            models.Index(
                fields=["hold_until"],
                name="organization_hold",
                condition=Q(hold_until__isnull=False),
            ),
            models.Index(fields=["name", "id"], name="organization_by_name"),
            models.Index(fields=["state", "name", "id"], name="organization_by_state"),
            models.Index(
                fields=["hold_until"],
                name="organization_held",
                condition=Q(hold_until__isnull=False),
            ),
            models.Index(CONTACT_PREFIX, name="organization_by_contact"),
            models.Index(NAME_PREFIX, name="organization_name_prefix"),
            GinIndex(OpClass("search", name="gin_trgm_ops"), name="organization_search"),
        ]
        permissions = [
            ("deactivate_organization", "Can deactivate organizations"),
            ("reactivate_organization", "Can reactivate organizations"),
            ("unlock_email", "Can unlock e-mail addresses"),
            ("hasten_take_down", "Can have control planes taken down now"),
            ("retry_take_down", "Can have a geo asked again now"),
            ("hold_organization", "Can put organizations on hold"),
            ("transfer_ownership", "Can name another owner"),
            ("manage_people", "Can manage people, teams and roles"),
            ("view_history", "Can read what happened"),
            ("manage_contracts", "Can begin, change and end Enterprise contracts"),
            ("decide_check", "Can approve, dismiss and pause the inactivity check"),
        ]

    def __str__(self):
        return self.name

    @property
    def organization_id(self) -> UUID:
        """An organization is its own organization where permissions ask an object for one."""
        return self.pk

    @property
    def reason_sentence(self) -> str:
        """What a customer is told of why it was deactivated; empty while active."""
        return Reason(self.deactivation_reason).public_sentence if self.deactivation_reason else ""

    def is_on_hold(self, at) -> bool:
        return self.hold_until is not None and self.hold_until > at


class Membership(models.Model):
    """A person in an organization. It survives a deactivation; teams and roles do not (P44, P50)."""

    id = uuid_key()
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="memberships")
    joined_at = models.DateTimeField(default=timezone.now)
    last_login_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="one_membership_per_person"),
        ]

    def __str__(self):
        return f"{self.user_id} in {self.organization_id}"


class ContactChange(models.Model):
    """The contact e-mail that an organization wants to have instead, until the link mailed to it proves it (P2).

    A new one voids it.
    """

    id = uuid_key()
    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="contact_change")
    email = models.CharField(max_length=250)
    asked_by_id = models.UUIDField()
    requested_at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return self.email
