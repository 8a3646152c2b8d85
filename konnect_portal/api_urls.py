"""What API hosts serve: no pages."""

from django.urls import path

from accounts.api import router as accounts_router
from konnect_portal.foundation.api import make_api

v3 = make_api("v3")
v3.add_router("", accounts_router)

urlpatterns = [path("v3/", v3.urls)]
