import pytest

from tests.billing.payments import OtherSide, Troubled, forget


@pytest.fixture
def other_side(db, settings):
    """The embedded provider, troubled as the test says. It keeps what it did past the test, so it is cleared here."""
    settings.PAYMENT_PROVIDER = "tests.billing.payments.Troubled"
    Troubled.troubles.clear()
    Troubled.asked.clear()
    yield OtherSide()
    forget()
