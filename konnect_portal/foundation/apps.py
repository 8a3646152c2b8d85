from django.apps import AppConfig


class FoundationConfig(AppConfig):
    name = "konnect_portal.foundation"
    label = "foundation"
    verbose_name = "Foundation"
