from django.apps import AppConfig
from django.core.checks import register

from geos.checks import check_geo_services


class GeosConfig(AppConfig):
    name = "geos"

    def ready(self):
        register(check_geo_services)
