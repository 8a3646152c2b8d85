"""Cards that pay for something and expire: owner and admins are told once, 30 days before."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from billing.models import PaymentMethod
from konnect_portal.foundation.organizations import ACTIVE, people_to_tell
from konnect_portal.foundation.outbox import NewMail, queue_mails

TOLD_BEFORE = timedelta(days=30)
SET_SIZE = 500


@transaction.atomic
def tell_of_expiring_cards(*, at: datetime) -> int:
    """Queue the mails of a set of cards; gives how many it has dealt with. What two runs find, one of them tells."""
    cards = list(
        _expiring(at).select_related("organization").select_for_update(of=("self",), skip_locked=True)[:SET_SIZE]
    )
    queue_mails(mail for card in cards for mail in _mails(card))
    PaymentMethod.objects.filter(pk__in=[card.pk for card in cards]).update(told_of_expiry_at=at)
    return len(cards)


def _expiring(at: datetime) -> QuerySet[PaymentMethod]:
    """By the month, which is all that a card tells; who has expired by then is told as well."""
    by = at + TOLD_BEFORE
    live = PaymentMethod.objects.live().filter(organization__state=ACTIVE, told_of_expiry_at=None)
    return live.exclude(expires_year__gt=by.year).exclude(expires_year=by.year, expires_month__gte=by.month)


def _mails(card: PaymentMethod) -> list[NewMail]:
    context = {
        "organization_name": card.organization.name,
        "brand": card.brand,
        "last_digits": card.last_digits,
        "expires_at": card.expires_at,
    }
    return [
        NewMail(
            person.email,
            "card_expires",
            context,
            organization_id=card.organization_id,
            person_id=person.person_id,
        )
        for person in people_to_tell(card.organization_id)
    ]
