from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from konnect_portal.foundation.fields import uuid_key

STUCK_HOURS = 24


class Geo(models.Model):
    """A geographic region (P10): a deployment of Konnect of its own. Rows, so that another one can be opened later."""

    code = models.CharField(max_length=10, primary_key=True)
    name = models.CharField(max_length=100)
    is_opt_in = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "code"]

    def __str__(self):
        return self.name


class OrganizationGeo(models.Model):
    """A geo that an organization works in; one of them is its home, chosen at sign-up."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.PROTECT,
        related_name="organization_geos",
    )
    geo = models.ForeignKey(Geo, on_delete=models.PROTECT, related_name="organization_geos")
    is_home = models.BooleanField(default=False)
    opened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "geo"], name="geo_opened_once"),
            models.UniqueConstraint(fields=["organization"], condition=Q(is_home=True), name="one_home_geo"),
        ]

    def __str__(self):
        return f"{self.geo_id} of {self.organization_id}"


class ControlPlaneQuerySet(models.QuerySet["ControlPlane"]):
    def active(self):
        return self.filter(state=ControlPlane.State.ACTIVE)

    def decommissioning(self):
        return self.filter(state=ControlPlane.State.DECOMMISSIONING)

    def kept_by_nothing(self, at):
        """Those on their way down whose organization is not on hold (P58); none is begun while a lead has to decide
        because usage came late (P68)."""
        return (
            self.decommissioning()
            .exclude(organization__hold_until__gt=at)
            .exclude(organization__late_usage_at__isnull=False, begun_at__isnull=True)
        )

    def claimable(self, at):
        """Those that may be tried at `at`: due, no later attempt awaited, kept by nothing (P42)."""
        return self.kept_by_nothing(at).filter(begins_at__lte=at, next_attempt_at__lte=at)

    def stuck(self, at):
        """Those not confirmed 24 hours after taking down should have begun, though nothing keeps them (P42)."""
        return self.kept_by_nothing(at).filter(begins_at__lte=at - timedelta(hours=STUCK_HOURS))

    def geos(self) -> list[str]:
        """The codes of the geos that these are in."""
        return list(self.order_by("geo_id").values_list("geo_id", flat=True).distinct())


class ControlPlane(models.Model):
    """A control plane of one geo (P11, P12). Under `decommissioning` no configuration is handed out any more.

    `begins_at` is when taking down may begin, `begun_at` is claimed before the first call to the geo; only where it is
    null can the control plane come back (P51).
    """

    class Kind(models.TextChoices):
        GATEWAY = "gateway", "Gateway"
        KIC = "kic", "Kubernetes Ingress Controller"
        MESH_GLOBAL = "mesh_global", "Mesh global"

    class AuthType(models.TextChoices):
        """How nodes prove who they are, in Konnect's words."""

        PINNED = "pinned_client_certs", "Pinned client certificates"
        PKI = "pki_client_certs", "PKI client certificates"

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        DECOMMISSIONING = "decommissioning", "Being taken down"
        DECOMMISSIONED = "decommissioned", "Taken down"

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="control_planes")
    geo = models.ForeignKey(Geo, on_delete=models.PROTECT, related_name="control_planes")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.GATEWAY)
    name = models.CharField(max_length=256)
    description = models.CharField(max_length=2048, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    auth_type = models.CharField(max_length=30, choices=AuthType, default=AuthType.PINNED)
    proxy_urls = models.JSONField(default=list, blank=True)
    configuration_version = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    state = models.CharField(max_length=20, choices=State, default=State.ACTIVE)
    decommission_requested_at = models.DateTimeField(null=True, blank=True)
    begins_at = models.DateTimeField(null=True, blank=True)
    begun_at = models.DateTimeField(null=True, blank=True)
    decommissioned_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    objects = ControlPlaneQuerySet.as_manager()

    class Meta:
        ordering = ["geo", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["gateway", "kic", "mesh_global"]),
                name="control_plane_kind_known",
            ),
            models.UniqueConstraint(
                fields=["organization", "geo", "name"],
                condition=~Q(state="decommissioned"),
                name="control_plane_name_in_geo",
            ),
            models.CheckConstraint(
                condition=Q(
                    state="active",
                    decommission_requested_at__isnull=True,
                    begins_at__isnull=True,
                    begun_at__isnull=True,
                    decommissioned_at__isnull=True,
                    next_attempt_at__isnull=True,
                )
                | Q(
                    state="decommissioning",
                    decommission_requested_at__isnull=False,
                    begins_at__isnull=False,
                    decommissioned_at__isnull=True,
                    next_attempt_at__isnull=False,
                )
                | Q(
                    state="decommissioned",
                    decommission_requested_at__isnull=False,
                    decommissioned_at__isnull=False,
                    next_attempt_at__isnull=True,
                ),
                name="control_plane_states_complete",
            ),
        ]
        indexes = [
            models.Index(
                fields=["geo", "next_attempt_at"],
                condition=Q(state="decommissioning"),
                name="control_plane_to_take_down",
            ),
            models.Index(
                fields=["begins_at"],
                condition=Q(state="decommissioning"),
                name="control_plane_to_confirm",
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def is_going(self) -> bool:
        """Whether its taking down has begun and is not confirmed: it cannot come back (P51)."""
        return self.state == self.State.DECOMMISSIONING and self.begun_at is not None

    @property
    def entity_type_name(self) -> str:
        """What a role for it is called by (P4)."""
        return "Mesh Control Planes" if self.kind == self.Kind.MESH_GLOBAL else "Control Planes"

    @property
    def entity_id(self):
        return self.pk

    @property
    def entity_region(self) -> str:
        return self.geo_id

    @classmethod
    def of_entity(cls, type_name: str, id: str | None, region: str | None) -> Q:
        """Which control planes have these as `entity_type_name`, `entity_id` and `entity_region`; None for any."""
        kinds = [kind for kind in cls.Kind if cls(kind=kind).entity_type_name == type_name]
        limits = {"pk": id, "geo": region}
        return Q(kind__in=kinds, **{field: limit for field, limit in limits.items() if limit is not None})


class UnderControlPlane:
    """What belongs to a control plane is, for permissions, what the control plane is (P4, P11)."""

    control_plane: "ControlPlane"

    @property
    def organization_id(self):
        return self.control_plane.organization_id

    @property
    def entity_type_name(self) -> str:
        return self.control_plane.entity_type_name

    @property
    def entity_id(self):
        return self.control_plane.pk

    @property
    def entity_region(self) -> str:
        return self.control_plane.geo_id


class GatewayService(UnderControlPlane, models.Model):
    """A service behind a gateway control plane; it exists in that control plane's geo only (P11)."""

    id = uuid_key()
    control_plane = models.ForeignKey(ControlPlane, on_delete=models.CASCADE, related_name="services")
    name = models.CharField(max_length=256)
    protocol = models.CharField(max_length=10, default="https")
    host = models.CharField(max_length=253, default="localhost")
    port = models.PositiveIntegerField(default=443)
    path = models.CharField(max_length=256, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["control_plane", "name"], name="service_name_in_control_plane"),
            models.CheckConstraint(condition=Q(port__gte=1, port__lte=65535), name="service_port_possible"),
        ]

    def __str__(self):
        return self.name


class Consumer(UnderControlPlane, models.Model):
    """Who calls the services of a gateway control plane; it exists in that control plane's geo only (P11)."""

    id = uuid_key()
    control_plane = models.ForeignKey(ControlPlane, on_delete=models.CASCADE, related_name="consumers")
    username = models.CharField(max_length=256)
    custom_id = models.CharField(max_length=256, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["control_plane", "username"], name="consumer_in_control_plane")]

    def __str__(self):
        return self.username


class DataPlaneNode(UnderControlPlane, models.Model):
    """A data plane node or a KIC association (P12). Its operator runs it; a deactivation leaves it running (P43).

    `configuration_version` and `license_id` are what it said it has, `clock_offset_seconds` how far its clock was
    ahead.
    """

    id = uuid_key()
    control_plane = models.ForeignKey(ControlPlane, on_delete=models.CASCADE, related_name="nodes")
    hostname = models.CharField(max_length=256)
    version = models.CharField(max_length=50, blank=True)
    configuration_version = models.PositiveBigIntegerField(null=True, blank=True)
    license_id = models.UUIDField(null=True, blank=True)
    clock_offset_seconds = models.IntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_check_in_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["control_plane", "last_check_in_at"], name="node_last_check_in")]

    def __str__(self):
        return self.hostname


class MeshZone(UnderControlPlane, models.Model):
    """A local zone control plane under a mesh global one (P12); a deactivation leaves it running (P43).

    `data_planes` is how many it said it has; the rest as of a node.
    """

    id = uuid_key()
    control_plane = models.ForeignKey(ControlPlane, on_delete=models.CASCADE, related_name="zones")
    name = models.CharField(max_length=256)
    version = models.CharField(max_length=50, blank=True)
    configuration_version = models.PositiveBigIntegerField(null=True, blank=True)
    license_id = models.UUIDField(null=True, blank=True)
    clock_offset_seconds = models.IntegerField(null=True, blank=True)
    data_planes = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    last_check_in_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["control_plane", "name"], name="zone_name_in_control_plane")]

    def __str__(self):
        return self.name


class ControlPlaneCredentialQuerySet(models.QuerySet["ControlPlaneCredential"]):
    def live(self):
        return self.filter(revoked_at__isnull=True)


class ControlPlaneCredential(UnderControlPlane, models.Model):
    """What nodes and zones identify themselves with at check-in (P13); the secret is stored hashed."""

    id = uuid_key()
    control_plane = models.ForeignKey(ControlPlane, on_delete=models.CASCADE, related_name="credentials")
    title = models.CharField(max_length=100, blank=True)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ControlPlaneCredentialQuerySet.as_manager()

    def __str__(self):
        return self.title


class TakeDownAttempt(models.Model):
    """That a geo was asked to take a control plane down, and what came of it (P42); seen by support."""

    class Outcome(models.TextChoices):
        CONFIRMED = "confirmed", "Confirmed"
        FAILED = "failed", "Failed"

    id = models.BigAutoField(primary_key=True)
    control_plane = models.ForeignKey(ControlPlane, on_delete=models.CASCADE, related_name="take_down_attempts")
    at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=10, choices=Outcome)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    milliseconds = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["control_plane", "-at"], name="attempt_of_control_plane")]

    def __str__(self):
        return f"{self.get_outcome_display()} at {self.at:%d %b %Y, %H:%M} UTC"


class GeoBreaker(models.Model):
    """After failures in a row a geo's service is left alone until `open_until`; each geo has its own."""

    geo = models.OneToOneField(Geo, on_delete=models.CASCADE, primary_key=True, related_name="breaker")
    failures = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return f"{self.geo_id}: {self.failures} failures in a row"


class EmbeddedTakeDown(models.Model):
    """What the embedded geo service did: its own record that a control plane is gone, and how often it was asked.

    It stands in for a geo's own database where no geo service is configured, so it holds ids, no foreign key.
    """

    control_plane_id = models.UUIDField(primary_key=True)
    geo = models.CharField(max_length=10)
    taken_down_at = models.DateTimeField(default=timezone.now)
    requests = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(requests__gte=1), name="take_down_asked_for")]

    def __str__(self):
        return str(self.control_plane_id)
