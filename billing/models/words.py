from django.db import models


class Plan(models.TextChoices):
    """Plans of P30. Free is what remains where no subscription runs, so it has no subscription of its own."""

    FREE = "free", "Free"
    PLUS = "plus", "Plus"
    ENTERPRISE = "enterprise", "Enterprise"


class Metric(models.TextChoices):
    """What is metered (P32): requests add up, of the others the hour's maximum counts."""

    API_REQUESTS = "api_requests", "API requests"
    GATEWAY_SERVICES = "gateway_services", "Gateway services"
    DEV_PORTALS = "dev_portals", "Dev Portals"
