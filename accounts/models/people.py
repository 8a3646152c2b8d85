from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Trim
from django.utils import timezone
from django.utils.functional import cached_property

from accounts.words import Tier
from konnect_portal.foundation.addresses import normalize_address
from konnect_portal.foundation.fields import uuid_key


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username):
        return self.get(email=normalize_address(username))

    def create_user(self, email, password=None, **fields):
        user = self.model(email=normalize_address(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person: one account, known by one address (P1). Staff belong to no organization, members are no staff (P70).

    The database holds the second half: a membership's foreign key asks for a person who is not staff.
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
            models.UniqueConstraint(fields=["email"], name="one_person_per_address"),
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
