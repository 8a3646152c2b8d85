"""Passwords by P6, wherever one is set: none of the last 13, and only by the person."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import PasswordHistory, User
from tests import desk
from tests.customers import NEW_PASSWORD, signed_in, with_password
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
REMEMBERED = 13


@pytest.fixture(autouse=True)
def _quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def nth(n):
    return f"Correct-Horse-{n}-Battery"


def set_password(user, password):
    user.set_password(password)
    user.save()


def is_refused(user, password):
    try:
        validate_password(password, user)
    except ValidationError as refusal:
        return [each.code for each in refusal.error_list] == ["password_used"]
    return False


def test_none_of_the_last_13_comes_back(alice):
    """P6"""
    for n in range(14):
        set_password(alice, nth(n))

    assert not is_refused(alice, nth(0))
    assert [n for n in range(1, 14) if not is_refused(alice, nth(n))] == []


def test_the_present_one_counts_even_where_no_history_was_kept(alice):
    """P6: an import or the demo may have set it."""
    with_password(alice)
    PasswordHistory.objects.all().delete()

    assert is_refused(alice, PASSWORD)


def test_another_persons_password_is_nobodys_business(alice, bob):
    with_password(alice)

    assert not is_refused(bob, PASSWORD)


def test_it_keeps_no_more_than_it_asks_for_and_only_hashes(alice):
    for n in range(20):
        set_password(alice, nth(n))

    kept = PasswordHistory.objects.filter(user=alice)
    assert kept.count() == REMEMBERED
    assert not any(nth(n) in row.password for row in kept for n in range(20))


def test_an_unusable_password_leaves_no_trace(alice):
    alice.set_unusable_password()
    alice.save()

    assert not PasswordHistory.objects.exists()


def test_saving_a_person_otherwise_remembers_nothing(alice):
    with_password(alice)
    User.objects.get(pk=alice.pk).save()

    assert PasswordHistory.objects.count() == 1


def test_my_account_refuses_an_old_one_and_says_so(alice):
    """P6"""
    set_password(alice, NEW_PASSWORD)
    with_password(alice)

    answer = signed_in(alice).post(
        "/account/password/",
        {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD},
    )

    assert "differ from your last 13" in answer.content.decode()
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_no_form_of_the_admin_takes_a_password(administrator, alice):
    """P6: nobody but the person, not even an administrator."""
    client = desk.signed_in(administrator)

    for page in (f"/admin/accounts/user/{alice.pk}/password/", f"/admin/accounts/user/{alice.pk}/change/"):
        client.post(page, {"password1": PASSWORD, "password2": PASSWORD, "password": PASSWORD})

    alice.refresh_from_db()
    assert not alice.has_usable_password()
