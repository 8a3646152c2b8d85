from django.apps import AppConfig
from django.core.checks import register

from billing.checks import check_money_moves, check_payment_provider


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self):
        register(check_payment_provider)
        register(check_money_moves, deploy=True)
