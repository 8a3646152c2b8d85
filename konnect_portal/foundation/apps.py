from django.apps import AppConfig


class FoundationConfig(AppConfig):
    name = "konnect_portal.foundation"
    label = "foundation"
    verbose_name = "Foundation"

    def ready(self):
        from konnect_portal.foundation import lookups  # noqa: F401, PLC0415 -- registers them
