"""P54: unlocking beside others that hold locks of the same address."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.admin.confirming import digest_of_rows
from accounts.admin.email_locks import UnlockEmail
from accounts.models import EmailLock
from accounts.services.locks import hold_live_locks
from konnect_portal.foundation.addresses import address_hash
from tests import factories
from tests.races import in_thread, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "shared@acme.example"


def test_the_page_takes_the_locks_of_an_address_in_the_order_of_all_others(acme, globex, lead):
    """Habit 1: organizations by id. The later lock, which the page shows first, is the second one to be taken."""
    first, second = sorted([acme, globex], key=lambda organization: organization.pk)
    now = timezone.now()
    early = factories.email_lock(first, ADDRESS, locked_at=now - timedelta(days=1))
    late = factories.email_lock(second, ADDRESS, locked_at=now)

    def unlock():
        data = {"note": "They wrote", "ticket": "T-1", "proof": "lead_word"}
        UnlockEmail().act(early, data=data, expected=digest_of_rows([early, late]), actor=lead, address=None)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            hold_live_locks(organization=first)
            other = pool.submit(in_thread, unlock)
            wait_until_blocked()
            assert len(hold_live_locks(address_hash=address_hash(ADDRESS))) == 2
        other.result(timeout=20)

    assert not EmailLock.objects.live().exists()
