"""What geos tell billing, each at its own host with its own token: docs/konnect-shapes.md."""

from billing.api.usage import router

__all__ = ["router"]
