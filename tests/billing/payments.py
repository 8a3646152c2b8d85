"""A provider that goes wrong as a test says, and remembers what it has done whatever its caller forgets."""

from collections import Counter, defaultdict
from collections.abc import Callable
from uuid import uuid4

from billing.models import EmbeddedCard, EmbeddedCharge, EmbeddedSubscription, PaymentMethod
from billing.provider import ProviderAway, ProviderRefused
from billing.providers.embedded import EmbeddedProvider, far_away


class Killed(BaseException):
    """The worker's process ends here."""


AWAY, LOST, REFUSED, KILLED = "away", "lost", "refused", "killed"
"""It never heard of it; it did it and the answer was lost; it says no; it did it and the worker was killed."""


class Troubled(EmbeddedProvider):
    """The embedded one, but for the next calls of `troubles`, by the name of the call."""

    troubles: defaultdict[str, list[str]] = defaultdict(list)
    asked: Counter[str] = Counter()

    def __getattribute__(self, name):
        act = super().__getattribute__(name)
        return _troubled(name, act) if hasattr(EmbeddedProvider, name) and not name.startswith("_") else act


def _troubled(name: str, act: Callable) -> Callable:
    def ask(*args, **kwargs):
        Troubled.asked[name] += 1
        trouble = Troubled.troubles[name].pop(0) if Troubled.troubles[name] else None
        if trouble == AWAY:
            raise ProviderAway("The provider did not answer.")
        if trouble == REFUSED:
            raise ProviderRefused("The card was declined.")
        answer = act(*args, **kwargs)
        if trouble == LOST:
            raise ProviderAway("The answer was lost.")
        if trouble == KILLED:
            raise Killed
        return answer

    return ask


class OtherSide:
    """What a test asks of the provider itself, past its door."""

    def trouble(self, call: str, *troubles: str) -> None:
        Troubled.troubles[call] = list(troubles)

    def asked(self, call: str) -> int:
        return Troubled.asked[call]

    def card(self, organization, kind=EmbeddedCard.Kind.ACCEPTED) -> PaymentMethod:
        """A card that pays for the organization."""
        reference = str(_new_card(f"customer_{organization.pk}", kind))
        return PaymentMethod.objects.create(
            organization=organization,
            reference=reference,
            brand="Test card",
            last_digits="4242",
            expires_year=2099,
            expires_month=12,
            added_by_id=organization.owner_id,
        )

    def taken(self, organization) -> list[int]:
        """The cents taken from the organization's cards, in order."""
        return _taken(f"customer_{organization.pk}")

    def running(self, organization) -> list[str]:
        """The references of its subscriptions that run there."""
        return _running(f"customer_{organization.pk}")

    @staticmethod
    def start(organization, subscription_id=None) -> str:
        """Somebody starts a subscription there by hand."""
        customer = f"customer_{organization.pk}"
        given = {"organization_id": organization.pk, "subscription_id": subscription_id or uuid4()}
        return EmbeddedProvider().start_subscription(customer, **given)


@far_away
def forget() -> None:
    for model in (EmbeddedCard, EmbeddedCharge, EmbeddedSubscription):
        model.objects.all().delete()


@far_away
def _new_card(customer, kind):
    return EmbeddedCard.objects.create(customer=customer, return_url="https://x.example", kind=kind).pk


@far_away
def _taken(customer):
    return list(EmbeddedCharge.objects.filter(customer=customer).order_by("taken_at").values_list("cents", flat=True))


@far_away
def _running(customer):
    live = EmbeddedSubscription.objects.filter(customer=customer, ended_at=None)
    return [str(pk) for pk in live.values_list("pk", flat=True)]
