"""The pages of an organization's billing."""

from django.urls import path

from billing.views import invoices, usage

urlpatterns = [
    path("", usage.usage, name="billing"),
    path("usage.csv", usage.download_usage, name="billing_usage_download"),
    path("invoices/", invoices.invoices, name="invoices"),
    path("invoices/<uuid:id>/", invoices.invoice, name="invoice"),
    path("invoices/<uuid:id>/invoice-<int:number>.pdf", invoices.invoice_document, name="invoice_document"),
]
