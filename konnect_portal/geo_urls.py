"""What the API host of a geo serves: besides what all geos share what exists in one only (P11)."""

from django.urls import include, path

from konnect_portal import api_urls

urlpatterns = [path("v2/", api_urls.v2.urls), path("", include(api_urls))]
