"""What other floors may ask of licensing."""

from licensing.services.licenses import lapse_licenses, live_licenses, provision_licenses

__all__ = ["lapse_licenses", "live_licenses", "provision_licenses"]
