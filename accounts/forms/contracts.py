"""What is agreed with an Enterprise organization, as a lead enters it: its terms, and prices as lines of tiers."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator

from billing.models import Metric, Subscription
from billing.services import PRICE_UNITS, Contract, Tier, Tiers
from konnect_portal.foundation.money import dollars

LATEST = date.max - timedelta(days=1)
"""A term ends when the day after its last one begins."""


class TiersField(forms.CharField):
    """Tiers of a metric as lines of `above how many: USD`; what is wrong is told by its line."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def __init__(self, metric: Metric, **kwargs):
        self.unit = PRICE_UNITS[metric]
        help_text = (
            f"A line for each price, the first from 0 on: “0: 120.00” is 120.00 USD {self.unit.each}, and "
            f"“50: 100.00” what it is above 50. Empty: the price for everybody."
        )
        super().__init__(label=f"Agreed prices: {metric.label}", required=False, help_text=help_text, **kwargs)

    def prepare_value(self, value):
        return value if isinstance(value, str | None) else "\n".join(map(self._line, value))

    def clean(self, value) -> list[Tier]:
        lines = [(number, line) for number, line in enumerate(super().clean(value).splitlines(), 1) if line.strip()]
        tiers = [self._tier(number, line) for number, line in lines]
        if tiers and tiers[0].above:
            raise ValidationError(f"Line {lines[0][0]} leaves a gap: the first line begins with 0.")
        for (number, _), one, other in zip(lines[1:], tiers, tiers[1:], strict=False):
            if other.above <= one.above:
                raise ValidationError(f"Line {number} does not begin above the line before it.")
        return tiers

    def _line(self, tier: Tier) -> str:
        price = dollars(tier.cents * self.unit.per // tier.per).removesuffix(" USD")
        return f"{tier.above // self.unit.metered:,}: {price}"

    def _tier(self, number: int, line: str) -> Tier:
        above, colon, price = (part.strip().replace(",", "") for part in line.partition(":"))
        if not colon:
            raise ValidationError(f"Line {number} has no colon: write “1,000,000: 150.00”.")
        if not (above.isascii() and above.isdigit() and len(above) <= 15):
            raise ValidationError(f"Line {number}: {above[:20]!r} is no whole number.")
        return Tier(above=int(above) * self.unit.metered, per=self.unit.per, cents=self._cents(number, price))

    @staticmethod
    def _cents(number: int, price: str) -> int:
        try:
            cents = Decimal(price) * 100
        except ArithmeticError:
            raise ValidationError(f"Line {number}: {price[:20]!r} is no price in USD.") from None
        if not (cents.is_finite() and 0 <= cents < 10**12 and cents == int(cents)):
            raise ValidationError(f"Line {number}: a price is 0.00 USD or more, in whole cents.")
        return int(cents)


class ContractFields(forms.Form):
    """The terms of a contract. The last day of its term is a day in UTC."""

    contract_number = forms.CharField(label="Contract number", max_length=100)
    last_day = forms.DateField(
        label="Last day of the term",
        required=False,
        validators=[MaxValueValidator(LATEST)],
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="In UTC. Empty: it runs until somebody ends it.",
    )
    support_level = forms.CharField(
        label="Support level", max_length=100, required=False, help_text="As the customer reads it: “24x7x365”."
    )
    has_professional_services = forms.BooleanField(label="With professional services", required=False)
    sales_contact = forms.CharField(
        label="Sales contact",
        max_length=250,
        required=False,
        help_text="E-mail address or web page that its owner and admins are sent to. Empty: the usual one.",
    )
    api_requests = TiersField(Metric.API_REQUESTS)
    gateway_services = TiersField(Metric.GATEWAY_SERVICES)
    dev_portals = TiersField(Metric.DEV_PORTALS)

    def clean_sales_contact(self):
        contact = self.cleaned_data["sales_contact"]
        is_page = contact.startswith(("https://", "http://"))
        validate = forms.URLField(assume_scheme="https").clean if is_page else forms.EmailField().clean
        return validate(contact) if contact else ""


def contract_in(data: dict) -> Contract:
    last_day = data["last_day"]
    ends_at = datetime.combine(last_day + timedelta(days=1), time(), UTC) if last_day else None
    terms = {name: data[name] for name in Contract.__dataclass_fields__ if name != "ends_at"}
    return Contract(ends_at=ends_at, **terms)


def prices_in(data: dict) -> Tiers:
    """The agreed ones; a metric left empty is not agreed."""
    return {metric: data[metric] for metric in Metric.values if data[metric]}


def answers_of(contract: Subscription, prices: Tiers) -> dict:
    """How the form begins where a contract runs."""
    terms = {name: getattr(contract, name) for name in Contract.__dataclass_fields__ if name != "ends_at"}
    last_day = (contract.ends_at - timedelta(microseconds=1)).date() if contract.ends_at else None
    return terms | {"last_day": last_day} | dict(prices)
