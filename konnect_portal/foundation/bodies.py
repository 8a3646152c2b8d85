"""What the bodies of an API's calls are made of: nothing unknown, no text that PostgreSQL cannot keep."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")


class Body(BaseModel):
    """What a call sends: an object of known properties."""

    model_config = ConfigDict(extra="forbid")


def _storable(text: str) -> str:
    if "\x00" in text:
        raise PydanticCustomError("null_character", "must not contain null characters")
    return text


def _said(text: str) -> str:
    if not text:
        raise PydanticCustomError("string_too_short", "cannot be blank", {"min_length": 1})
    return text


def _written_moment(value: Any) -> Any:
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise PydanticCustomError("datetime_type", "must be a moment as in 2026-11-24T08:30:00Z")
    return value


type Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=250), AfterValidator(_storable)]
"""A line of text, at most 250 characters without blanks at its ends."""
type Name = Annotated[Text, AfterValidator(_said)]
"""A line of text that is not blank."""
type Stripped = Annotated[str, StringConstraints(strip_whitespace=True)]
"""A text without blanks at its ends; how long it can be is for the service to say."""
type OrNull = Annotated[Stripped, BeforeValidator(lambda value: "" if value is None else value)]
"""The same, where null leaves it empty."""
type Whole = Annotated[int, Field(strict=True)]
"""A number, not a text with digits."""
type MomentIn = Annotated[AwareDatetime, BeforeValidator(_written_moment)]
"""A moment in RFC 3339."""
