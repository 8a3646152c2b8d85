from datetime import timedelta
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Collate, Concat, Lower, Trim
from django.utils import timezone
from django.utils.functional import cached_property

from accounts.words import RecoveryStopped, Tier
from konnect_portal.foundation.addresses import normalize_address
from konnect_portal.foundation.fields import uuid_key

PERSON_SEARCH = Lower(Concat("full_name", models.Value(" "), "email"))
"""What a person is found by, as its index has it."""
PERSON_PREFIX = Collate(PERSON_SEARCH, "C")
PERSON_ADDRESS = Collate("email", "C")


class UserQuerySet(models.QuerySet["User"]):
    def of_address(self, email):
        """Whose address it is now: a closed account has given its own up, so that it can sign up anew (P56)."""
        return self.filter(email=normalize_address(email), closed_at__isnull=True)

    def hold(self, id):
        """Lock a person whose account is open, while something is added to it; DoesNotExist where it is closed.

        Closing the account and everything else that asks for the person has to wait. Organizations are held first.
        """
        return self.filter(is_active=True).select_for_update(no_key=True).get(pk=id)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, username):
        return self.of_address(username).get()

    def create_user(self, email, password=None, **fields):
        user = self.model(email=normalize_address(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person: one account, known by one address (P1). Staff belong to no organization, members are no staff (P70).

    The database holds the second half: a membership's foreign key asks for a person who is not staff. Closed accounts
    keep their address, so that a lead can reopen them, and share it with whoever has signed up with it since (P56).
    """

    id = uuid_key()
    email = models.CharField(max_length=250)
    full_name = models.CharField(max_length=250, blank=True)
    preferred_name = models.CharField(max_length=250, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints = [
            models.UniqueConstraint(
                fields=["email"], condition=models.Q(closed_at__isnull=True), name="one_person_per_address"
            ),
            models.UniqueConstraint(fields=["id", "is_staff"], name="person_staff_or_customer"),
            models.CheckConstraint(
                condition=models.Q(email=Lower(Trim("email"))) & ~models.Q(email=""),
                name="person_email_normalized",
            ),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True) | models.Q(is_active=False),
                name="closed_person_not_active",
            ),
        ]
        indexes = [
            models.Index(fields=["full_name", "id"], condition=models.Q(is_staff=False), name="customer_by_name"),
            models.Index(PERSON_ADDRESS, name="person_by_email"),
            models.Index(PERSON_PREFIX, name="person_prefix"),
            GinIndex(OpClass(PERSON_SEARCH, name="gin_trgm_ops"), name="person_search"),
        ]

    def __str__(self):
        return self.full_name or self.email

    def clean(self):
        self.email = normalize_address(self.email)

    @cached_property
    def tier(self) -> Tier | None:
        """The highest staff tier this person has; None for customers."""
        if not self.is_staff:
            return None
        names = {group.name for group in self.groups.all()}
        return next((tier for tier in reversed(Tier) if tier.value in names), None)


class PasswordHistory(models.Model):
    """A password that the person had or has, as the hasher left it: none of the last 13 may come back (P6)."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_history")
    password = models.CharField(max_length=128)
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "password history"

    def __str__(self):
        return f"password of {self.user_id}"


class SignUpRequest(models.Model):
    """An address that asked to sign up, until its link proves it (P8): single use, 24 hours, a new one voids the old.

    There is one for every address that asked, whatever is the case with it, so that nothing tells them apart. The
    link's secret is made as the mail is sent and stored hashed; until then there is none.
    """

    id = uuid_key()
    email = models.CharField(max_length=250, unique=True)
    requested_at = models.DateTimeField()
    digest = models.BinaryField(max_length=32, unique=True, null=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["requested_at"], name="sign_up_to_forget")]

    def __str__(self):
        return self.email


class AddressChange(models.Model):
    """The address that a person wants to have instead, until the link mailed to it proves it; a new one voids it."""

    id = uuid_key()
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="address_change")
    email = models.CharField(max_length=250)
    requested_at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return self.email


class Person(User):
    """A customer as the support desk sees them."""

    class Meta:
        proxy = True
        verbose_name = "person"
        verbose_name_plural = "people"
        permissions = [
            ("reopen_account", "Can reopen closed accounts"),
            ("recover_account", "Can replace a customer's lost address or second factor"),
        ]


PROVEN_WITHIN = timedelta(days=7)
"""How long after the 72 hours a new address can still be proven."""


class RecoveryQuerySet(models.QuerySet["Recovery"]):
    def waiting(self):
        return self.filter(stopped_at__isnull=True, done_at__isnull=True)

    def due(self, at):
        """Those to be carried out at `at`: 72 hours have passed, nobody stopped them, a new address is proven."""
        return self.waiting().filter(in_force_at__lte=at).exclude(email__isnull=False, proven_at__isnull=True)

    def provable(self, at):
        """Those whose new address can be proven or was: until a week after they could have come into force."""
        return self.waiting().filter(email__isnull=False, in_force_at__gt=at - PROVEN_WITHIN)

    def unproven(self, at):
        """Those whose new address was never proven, and can't be any more."""
        return self.waiting().filter(email__isnull=False, proven_at__isnull=True, in_force_at__lte=at - PROVEN_WITHIN)


class Recovery(models.Model):
    """A customer's lost address or second factor, which a lead has replaced: in force 72 hours later, unless stopped.

    `email` is the new address, null where the second factor is taken away. It has to be proven by the link mailed to
    it; the old address was told at once and can stop it.
    """

    id = uuid_key()
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recoveries")
    email = models.CharField(max_length=250, null=True, blank=True)
    asked_at = models.DateTimeField()
    in_force_at = models.DateTimeField()
    proven_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_because = models.CharField(max_length=10, choices=RecoveryStopped, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    event_id = models.UUIDField()

    objects = RecoveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "recoveries"
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(stopped_at__isnull=True, done_at__isnull=True),
                name="one_recovery_at_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(stopped_at__isnull=True) | models.Q(done_at__isnull=True),
                name="recovery_ended_once",
            ),
            models.CheckConstraint(
                condition=models.Q(stopped_at__isnull=True, stopped_because="")
                | models.Q(stopped_at__isnull=False, stopped_because__in=RecoveryStopped.values),
                name="recovery_stop_explained",
            ),
        ]
        indexes = [
            models.Index(
                fields=["in_force_at"],
                condition=models.Q(stopped_at__isnull=True, done_at__isnull=True),
                name="recovery_to_carry_out",
            ),
        ]

    def __str__(self):
        return self.email or "second factor"

    @property
    def what(self) -> str:
        """What is replaced, of whoever reads it: "your address"."""
        return "second factor" if self.email is None else "address"

    @property
    def wish(self) -> str:
        """What support was asked to do, of whoever reads it."""
        return "take away your second factor" if self.email is None else f"replace your address by {self.email}"
