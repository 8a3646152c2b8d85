from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from licensing.signing import public_keys


class LicensingConfig(AppConfig):
    name = "licensing"

    def ready(self):
        """A wrong setting stops the process when it starts, not when somebody signs up."""
        public_keys()
        if settings.LICENSE_RENEW_DAYS_LEFT >= settings.LICENSE_DAYS:
            raise ImproperlyConfigured(
                "LICENSE_RENEW_DAYS_LEFT must be less than LICENSE_DAYS, or every license would be renewed at once."
            )
