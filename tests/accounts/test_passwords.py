"""What a password has to be (P6)."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

GOOD = ["Correct-Horse-7-Battery", "Aa1!Aa1!Aa1!", "Ünïcödé-Wörd7", "aaBBcc11!!dd", "Aa1 Aa1 Aa1 "]


@pytest.mark.parametrize("password", GOOD)
def test_good_ones(password):
    validate_password(password)


@pytest.mark.parametrize(
    ("password", "missing"),
    [
        ("Aa1!Aa1!Aa1", "at least 12 characters"),
        ("aa1!aa1!aa1!", "upper case"),
        ("AA1!AA1!AA1!", "lower case"),
        ("Aab!Aab!Aab!", "a digit"),
        ("Aa12Aa12Aa12", "special character"),
        ("Aaaa1!Aa1!Aa1!", "more than twice in a row"),
        ("Aa1!!!Aa1!Aa", "more than twice in a row"),
        ("Aa1!\n\n\nAa1!Aa", "more than twice in a row"),
    ],
)
def test_each_requirement_is_named_where_it_is_missing(password, missing):
    with pytest.raises(ValidationError) as refusal:
        validate_password(password)

    [message] = refusal.value.messages
    assert missing in message


def test_everything_that_is_missing_is_named_at_once():
    with pytest.raises(ValidationError) as refusal:
        validate_password("")

    assert len(refusal.value.messages) == 5
