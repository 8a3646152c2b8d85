from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Count, F, Max, Q

from konnect_portal.foundation.fields import uuid_key


class Product(models.TextChoices):
    """What is licensed; an organization has one live license for each (P20)."""

    GATEWAY = "gateway", "Kong Gateway Enterprise"
    KIC = "kic", "Kong Ingress Controller"
    MESH = "mesh", "Kong Mesh"


class LicenseQuerySet(models.QuerySet["License"]):
    def live(self):
        """Neither lapsed nor replaced by a newer one; whether it has expired is another question."""
        return self.filter(lapsed_at__isnull=True, replaced_at__isnull=True)

    def ended(self):
        """Those that lapsed or were replaced; who received one has it until it expires (P43)."""
        return self.exclude(lapsed_at__isnull=True, replaced_at__isnull=True)

    def received(self):
        """With `receivers`, how many received each, and `last_delivered_at`; without what nobody may see (P21)."""
        counted = self.annotate(receivers=Count("deliveries"), last_delivered_at=Max("deliveries__delivered_at"))
        return counted.defer("document")

    def to_renew(self, at: datetime):
        """Those that have 182 days left at most (P22)."""
        return self.live().filter(expires_at__lte=at + timedelta(days=settings.LICENSE_RENEW_DAYS_LEFT))


class License(models.Model):
    """A license for a product, valid from `issued_at` to `expires_at` unless it lapsed (P22, P46).

    `document` is what nodes receive: JSON text signed by the key named `key_id`. No person ever sees it (P21).
    """

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="licenses")
    product = models.CharField(max_length=10, choices=Product)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    key_id = models.CharField(max_length=50, editable=False)
    document = models.TextField(editable=False)
    replaced_at = models.DateTimeField(null=True, blank=True)
    lapsed_at = models.DateTimeField(null=True, blank=True)

    objects = LicenseQuerySet.as_manager()

    class Meta:
        ordering = ["product", "-issued_at"]
        constraints = [
            models.CheckConstraint(condition=Q(product__in=Product.values), name="license_product_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("issued_at")), name="license_expires_later"),
            models.UniqueConstraint(
                fields=["organization", "product"],
                condition=Q(lapsed_at__isnull=True, replaced_at__isnull=True),
                name="one_live_license_per_product",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(lapsed_at__isnull=True, replaced_at__isnull=True),
                name="license_to_renew",
            ),
            models.Index(fields=["-issued_at", "-id"], name="license_newest"),
        ]

    def __str__(self):
        return self.get_product_display()

    @property
    def is_live(self) -> bool:
        return self.lapsed_at is None and self.replaced_at is None

    @property
    def renewed_at(self) -> datetime:
        """When a worker replaces it, while it is live (P22)."""
        return self.expires_at - timedelta(days=settings.LICENSE_RENEW_DAYS_LEFT)


class LicenseDelivery(models.Model):
    """That a node, association or zone received a license (P21). It is neither recalled nor shortened (P43)."""

    id = uuid_key()
    license = models.ForeignKey(License, on_delete=models.PROTECT, related_name="deliveries")
    receiver_id = models.UUIDField()
    delivered_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "license deliveries"
        constraints = [models.UniqueConstraint(fields=["license", "receiver_id"], name="license_delivered_once")]
        indexes = [models.Index(fields=["license", "-delivered_at", "-id"], name="license_deliveries_latest")]

    def __str__(self):
        return f"{self.license_id} to {self.receiver_id}"
