"""A person's sessions: listed with device, address and last use; each can be ended, and only by its owner."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.devices import name_of_device
from accounts.models import Session
from accounts.tasks import forget_what_expired
from tests.customers import with_password
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
SESSIONS = "/account/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604"


def signed_in_on(user, agent, address="203.0.113.9"):
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
    client.force_login(user)
    client.get("/account/")
    return client


def shown(client):
    return client.get(SESSIONS).context["sessions"]


def is_in(client):
    return client.get("/account/").status_code == 200


def test_each_is_listed_with_device_address_and_which_is_this(alice, bob):
    laptop = signed_in_on(alice, FIREFOX)
    signed_in_on(alice, IPHONE, "198.51.100.7")
    signed_in_on(bob, FIREFOX)

    listed = {(each.device, each.address, each.is_this) for each in shown(laptop)}

    assert listed == {
        ("Firefox on Linux", "203.0.113.9", True),
        ("Safari on iPhone", "198.51.100.7", False),
    }


def test_ended_from_afar_it_is_out_at_the_next_request(alice):
    laptop, phone = signed_in_on(alice, FIREFOX), signed_in_on(alice, IPHONE)
    name = next(each.name for each in shown(laptop) if not each.is_this)

    laptop.post(SESSIONS, {"session": name})

    assert not is_in(phone)
    assert is_in(laptop)


def test_all_others_end_at_once(alice, bob):
    laptop, others, stranger = (
        signed_in_on(alice, FIREFOX),
        [signed_in_on(alice, IPHONE) for _ in range(3)],
        signed_in_on(bob, FIREFOX),
    )

    laptop.post(SESSIONS, {"all": "yes"})

    assert [is_in(each) for each in others] == [False] * 3
    assert is_in(laptop)
    assert is_in(stranger)


@pytest.mark.parametrize("name", ["", "nothing", "x" * 5000, "\x00"])
def test_nobody_ends_what_is_not_theirs(alice, bob, name):
    laptop, stranger = signed_in_on(alice, FIREFOX), signed_in_on(bob, FIREFOX)
    theirs = shown(stranger)[0].name

    for sent in (name, theirs, stranger.session.session_key):
        assert laptop.post(SESSIONS, {"session": sent}).status_code == 302

    assert is_in(stranger)


def test_the_page_shows_no_key_by_which_a_session_could_be_taken_over(alice):
    laptop, phone = signed_in_on(alice, FIREFOX), signed_in_on(alice, IPHONE)

    page = laptop.get(SESSIONS).content.decode()

    assert laptop.session.session_key not in page
    assert phone.session.session_key not in page


def test_what_has_expired_is_not_listed(alice):
    laptop = signed_in_on(alice, FIREFOX)
    signed_in_on(alice, IPHONE)
    Session.objects.exclude(session_key=laptop.session.session_key).update(
        expire_date=timezone.now() - timedelta(seconds=1)
    )

    assert len(shown(laptop)) == 1


def test_what_has_expired_is_cleared_away_and_nothing_else(alice):
    laptop, phone = signed_in_on(alice, FIREFOX), signed_in_on(alice, IPHONE)
    expired = Session.objects.filter(session_key=phone.session.session_key)
    expired.update(expire_date=timezone.now() - timedelta(seconds=1))

    forget_what_expired()

    assert not expired.exists()
    assert is_in(laptop)


def test_the_list_takes_as_many_queries_for_ten_as_for_one(alice, django_assert_max_num_queries):
    laptop = signed_in_on(alice, FIREFOX)
    for _ in range(9):
        signed_in_on(alice, IPHONE)

    with django_assert_max_num_queries(3):
        assert len(shown(laptop)) == 10


def test_last_use_is_written_every_five_minutes_at_most(alice, django_assert_num_queries):
    laptop = signed_in_on(alice, FIREFOX)
    before = laptop.session["trace"]
    laptop.get("/account/name/")
    assert laptop.session["trace"] == before

    session = laptop.session
    session["trace"] = before | {"seen_at": before["seen_at"] - 301}
    session.save()
    laptop.get("/account/name/")

    assert laptop.session["trace"]["seen_at"] >= before["seen_at"]


def test_a_session_of_nobody_belongs_to_nobody(client, alice):
    """Signing out leaves no session behind that is listed as the person's."""
    with_password(alice)
    client.post("/login/", {"login": alice.email, "password": PASSWORD})
    assert Session.objects.filter(user_id=alice.pk).count() == 1

    client.post("/logout/")

    assert not Session.objects.filter(user_id=alice.pk).exists()


def test_sessions_are_for_those_signed_in(client):
    assert client.get(SESSIONS)["Location"] == f"/login/?next={SESSIONS}"
    assert client.post(SESSIONS, {"all": "yes"})["Location"] == f"/login/?next={SESSIONS}"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "Unknown browser"),
        ("", "Unknown browser"),
        ("<script>alert(1)</script>", "Unknown browser"),
    ],
)
def test_devices_by_name(agent, name):
    assert name_of_device(agent) == name
