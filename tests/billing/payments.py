"""A provider in tests that goes wrong as the test says, and what it has done by then."""

from billing.providers.embedded import EmbeddedProvider, far_away, give_card, setup_asked  # noqa: F401

AWAY, LOST, REFUSED = "away", "lost", "refused"
"""It never heard of it; it did it and its answer was lost; it did not do it and says so."""
