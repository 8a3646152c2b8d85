"""What other floors may ask of licensing."""

from licensing.services.delivering import license_to_deliver, live_license_id, record_deliveries
from licensing.services.licenses import lapse_licenses, live_licenses, provision_licenses
from licensing.services.renewing import renew_licenses

__all__ = [
    "lapse_licenses",
    "license_to_deliver",
    "live_license_id",
    "live_licenses",
    "provision_licenses",
    "record_deliveries",
    "renew_licenses",
]
