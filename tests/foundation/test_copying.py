"""New rows by COPY are those that the ORM would have written."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.forms import model_to_dict
from post_office.models import PRIORITY, STATUS, Email

from accounts.models import EventSubject, LifecycleEvent
from accounts.words import Act, Via
from konnect_portal.foundation.copying import copy_in, reserved

pytestmark = pytest.mark.django_db

ODD = "tab\t, line\n, back\\slash, \\N, \\., 'quote', \"double\", ß, ‮"


def event(**changes) -> LifecycleEvent:
    of = {
        "organization_id": uuid4(),
        "act": Act.HELD,
        "at": datetime(2026, 11, 20, 3, tzinfo=UTC),
        "via": Via.ADMIN,
        "note": ODD,
        "remote_address": "2001:db8::1",
        "details": {"of": [ODD, None, 1, {"deep": True}]},
    }
    return LifecycleEvent(**of | changes)


def test_whatever_stands_in_a_row_arrives_as_it_is():
    written = event()
    copy_in([written, event(note="", remote_address=None, organization_id=None)])

    assert model_to_dict(LifecycleEvent.objects.get(note=ODD)) == model_to_dict(written)
    assert LifecycleEvent.objects.get(note="").remote_address is None


def test_the_database_gives_out_keys_that_are_not_reserved():
    about = event()
    copy_in([about])
    copy_in([EventSubject(event_id=about.pk, part="owner", name=name) for name in ("Alice", "Bob")])

    assert len(set(about.subjects.values_list("pk", flat=True))) == 2


def test_a_reserved_key_is_given_to_nobody_else():
    keys = reserved(Email, 3)
    copy_in([Email(pk=key, to=["a@acme.example"], status=STATUS.queued, priority=PRIORITY.medium) for key in keys])
    another = Email.objects.create(from_email="portal@acme.example", to=["b@acme.example"])

    assert list(Email.objects.filter(to="a@acme.example").order_by("pk").values_list("pk", flat=True)) == keys
    assert another.pk not in keys
    assert Email.objects.get(pk=keys[0]).created is not None


def test_a_row_that_breaks_a_rule_leaves_none_of_them():
    with pytest.raises(IntegrityError), transaction.atomic():
        copy_in([event(), event(act="unknown")])

    assert not LifecycleEvent.objects.exists()


def test_no_rows_take_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        copy_in([])
