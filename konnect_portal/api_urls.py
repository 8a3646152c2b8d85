"""What API hosts serve: no pages. `/v2` is left to those that name a geo, `konnect_portal.geo_urls`."""

from django.urls import path

from accounts.api import router as accounts_router
from billing.api import router as billing_router
from geos.api import router as geos_router
from konnect_portal.foundation.api import make_api

v2 = make_api("v2")
v2.add_router("", geos_router)
v2.add_router("", billing_router)
v3 = make_api("v3")
v3.add_router("", accounts_router)

urlpatterns = [path("v3/", v3.urls)]
