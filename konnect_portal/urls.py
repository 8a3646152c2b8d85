"""What the page host serves; API hosts have `konnect_portal.api_urls`."""

from django.contrib import admin
from django.urls import include, path
from health_check.views import HealthCheckView

from konnect_portal import api_urls
from konnect_portal.foundation.views import healthz, metrics

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", HealthCheckView.as_view(checks=["health_check.checks.Database"])),
    path("metrics", metrics),
    path("", include("accounts.urls")),
    path("control-planes/", include("geos.urls")),
    path("billing/", include("billing.urls")),
    path("licenses/", include("licensing.urls")),
    path("", include(api_urls)),
]
