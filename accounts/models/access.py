from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.words import State
from konnect_portal.foundation.fields import uuid_key


def exactly_one(*names: str) -> Q:
    """The condition that one of the named columns is set and the others are not."""
    options = [Q(**{f"{other}__isnull": other != name for other in names}) for name in names]
    condition = options[0]
    for option in options[1:]:
        condition |= option
    return condition


class Team(models.Model):
    """A team of an organization: one of the predefined eight, which nobody edits or deletes, or a custom one (P4)."""

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="teams")
    name = models.CharField(max_length=250)
    description = models.CharField(max_length=250, blank=True)
    is_predefined = models.BooleanField(default=False)
    labels = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="team_name_in_organization"),
            models.UniqueConstraint(fields=["organization", "id"], name="team_of_organization"),
            models.CheckConstraint(condition=~Q(name=""), name="team_named"),
        ]

    def __str__(self):
        return self.name


class SystemAccount(models.Model):
    """An account for a machine: no sign-in, no address, only tokens. It belongs to one organization."""

    id = uuid_key()
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.PROTECT,
        related_name="system_accounts",
    )
    name = models.CharField(max_length=250)
    description = models.CharField(max_length=250, blank=True)
    konnect_managed = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                name="system_account_name_in_organization",
            ),
            models.UniqueConstraint(fields=["organization", "id"], name="system_account_of_organization"),
            models.CheckConstraint(condition=~Q(name=""), name="system_account_named"),
        ]

    def __str__(self):
        return self.name


class TeamMembership(models.Model):
    """A person or a system account in a team. Two-column foreign keys keep all three in one organization."""

    id = uuid_key()
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.PROTECT,
        related_name="team_memberships",
        db_constraint=False,
    )
    team = models.ForeignKey(
        Team,
        on_delete=models.PROTECT,
        related_name="team_memberships",
        db_constraint=False,
    )
    user = models.ForeignKey(
        "accounts.User",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="team_memberships",
        db_constraint=False,
    )
    system_account = models.ForeignKey(
        SystemAccount,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="team_memberships",
        db_constraint=False,
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=exactly_one("user", "system_account"),
                name="team_membership_of_one",
            ),
            models.UniqueConstraint(fields=["team", "user"], name="person_once_in_team"),
            models.UniqueConstraint(fields=["team", "system_account"], name="system_account_once_in_team"),
        ]

    def __str__(self):
        return f"{self.user_id or self.system_account_id} in {self.team_id}"


class RoleAssignment(models.Model):
    """A role given to a person, a system account or a team, for every entity or one, in every geo or one (P4).

    `entity_id` null and `entity_region` "*" mean all.
    """

    id = uuid_key()
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.PROTECT,
        related_name="role_assignments",
        db_constraint=False,
    )
    user = models.ForeignKey(
        "accounts.User",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="role_assignments",
        db_constraint=False,
    )
    system_account = models.ForeignKey(
        SystemAccount,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="role_assignments",
        db_constraint=False,
    )
    team = models.ForeignKey(
        Team,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="role_assignments",
        db_constraint=False,
    )
    role_name = models.CharField(max_length=100)
    entity_type_name = models.CharField(max_length=100)
    entity_id = models.UUIDField(null=True, blank=True)
    entity_region = models.CharField(max_length=10, default="*")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=exactly_one("user", "system_account", "team"),
                name="role_of_one",
            ),
            models.UniqueConstraint(
                fields=[
                    "organization",
                    "user",
                    "system_account",
                    "team",
                    "role_name",
                    "entity_type_name",
                    "entity_id",
                    "entity_region",
                ],
                nulls_distinct=False,
                name="role_once",
            ),
        ]

    def __str__(self):
        return f"{self.role_name} of {self.entity_type_name}"


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    def live(self, at):
        """Those that open the door at `at`, as far as the organization and the holder let them."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=at)


class AccessToken(models.Model):
    """A personal token (`kpat_`) or a system account's (`spat_`), for one organization (P5); its secret is hashed.

    `next_notice_at` is when its holder is told next that it expires, null where there is nothing more to tell.
    """

    id = uuid_key()
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.PROTECT,
        related_name="access_tokens",
        db_constraint=False,
    )
    user = models.ForeignKey(
        "accounts.User",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="access_tokens",
        db_constraint=False,
    )
    system_account = models.ForeignKey(
        SystemAccount,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="access_tokens",
        db_constraint=False,
    )
    name = models.CharField(max_length=256)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by_id = models.UUIDField(null=True, blank=True)
    deactivation_event_id = models.UUIDField(null=True, blank=True)
    next_notice_at = models.DateTimeField(null=True, blank=True)

    objects = AccessTokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=exactly_one("user", "system_account"), name="token_of_one"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="token_expires_later"),
            models.CheckConstraint(
                condition=Q(deactivation_event_id__isnull=True) | Q(revoked_at__isnull=False),
                name="token_revoked_by_deactivation",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_notice_at"],
                name="token_notice_due",
                condition=Q(next_notice_at__isnull=False),
            ),
            models.Index(fields=["organization", "user", "-created_at", "-id"], name="token_of_person"),
            models.Index(fields=["system_account", "-created_at", "-id"], name="token_of_system_account"),
        ]

    def __str__(self):
        return self.name


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def waiting(self):
        """Those that nobody has accepted or revoked, whether their time is up or not."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)

    def open(self, at):
        """Those that can be accepted at `at`, as far as the organization lets them."""
        return self.waiting().filter(expires_at__gt=at)

    def active(self):
        return self.filter(organization__state=State.ACTIVE)


class Invitation(models.Model):
    """An invitation of one address, single use, for 7 days (P7), and the teams that await whoever comes.

    The link's secret is made as the mail is sent and stored hashed; until then there is none.
    """

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="invitations")
    email = models.CharField(max_length=250)
    team_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    digest = models.BinaryField(max_length=32, unique=True, null=True, editable=False)
    invited_by_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="one_open_invitation_per_address",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(revoked_at__isnull=True),
                name="invitation_ended_once",
            ),
        ]

    def __str__(self):
        return self.email
