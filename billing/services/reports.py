"""What stands in a geo's report of usage, and in the answer to it."""

from datetime import datetime
from typing import NamedTuple, TypedDict
from uuid import UUID


class Usage(NamedTuple):
    """A record that could be read; `position` is its place in the batch."""

    position: int
    organization_id: UUID
    metric: str
    hour: datetime
    quantity: int


class Fault(NamedTuple):
    """A record that is rejected: the field and why, and what of it could be read."""

    position: int
    field: str
    reason: str
    organization_id: UUID | None
    metric: str
    hour: datetime | None

    @property
    def told(self) -> "Rejected":
        return {"index": self.position, "field": self.field, "reason": self.reason}


class Rejected(TypedDict):
    index: int
    field: str
    reason: str


class KeptApart(TypedDict):
    index: int
    reason: str


class Answer(TypedDict):
    """`complete_through` is how far the geo's usage is taken to be complete, in ISO 8601; None where it never was."""

    batch_id: str
    accepted: int
    rejected: list[Rejected]
    kept_apart: list[KeptApart]
    complete_through: str | None
