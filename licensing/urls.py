"""The pages of an organization's licenses."""

from django.urls import path

from licensing import views

urlpatterns = [
    path("", views.licenses, name="licenses"),
    path("<uuid:id>/", views.license, name="license"),
]
