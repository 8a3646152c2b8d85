"""The pages of an organization's billing."""

from django.urls import path

from billing.views import invoices, plan, test_provider, usage

urlpatterns = [
    path("", usage.usage, name="billing"),
    path("usage.csv", usage.download_usage, name="billing_usage_download"),
    path("plan/", plan.plan, name="plan"),
    path("plan/upgrade/", plan.upgrade_plan, name="upgrade_plan"),
    path("plan/cancel/", plan.cancel_plus, name="cancel_plan"),
    path("plan/payment-method/", plan.payment_method, name="payment_method"),
    path("plan/payment-method/given/", plan.payment_method_given, name="payment_method_given"),
    path("plan/payment-method/remove/", plan.remove_card, name="remove_payment_method"),
    path("invoices/", invoices.invoices, name="invoices"),
    path("invoices/<uuid:id>/", invoices.invoice, name="invoice"),
    path("invoices/<uuid:id>/invoice-<int:number>.pdf", invoices.invoice_document, name="invoice_document"),
    path("test-provider/<uuid:id>/", test_provider.card_page, name="test_provider"),
]
