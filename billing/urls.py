"""The pages of billing."""

from django.urls import path

from billing.views import test_provider

urlpatterns = [
    path("test-provider/<uuid:id>/", test_provider.card_page, name="test_provider"),
]
