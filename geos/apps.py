from django.apps import AppConfig


class GeosConfig(AppConfig):
    name = "geos"
