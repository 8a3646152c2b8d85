"""The pages of an organization's billing."""

from django.urls import path

from billing.views import usage

urlpatterns = [
    path("", usage.usage, name="billing"),
    path("usage.csv", usage.download_usage, name="billing_usage_download"),
]
