from django.apps import AppConfig
from django.utils.module_loading import import_string

from konnect_portal.foundation.registry import registry


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People and organizations"

    def ready(self):
        """Figures are asked of models, which cannot be imported before all apps are ready."""
        registry.register(import_string("accounts.figures.WaitingCollector")())
