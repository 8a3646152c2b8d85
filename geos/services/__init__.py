"""What other floors may ask of geos."""

from geos.services.presence import geos_of

__all__ = ["geos_of"]
