"""Acting on many, a set at a time (habit 2)."""

from collections.abc import Callable, Collection, Iterable
from itertools import batched
from uuid import UUID

import structlog

logger = structlog.get_logger(__name__)

SET_SIZE = 500


type Act = Callable[[Collection[UUID]], list[UUID]]
"""Acts on a set and gives the ids of those it was done to; of a long list anything more would fill the memory."""


def in_sets(ids: Iterable[UUID], act: Act) -> tuple[list[UUID], int]:
    """Act on sets of 500; a set that fails is tried again one by one (P65).

    Gives to whom it was done and how many failed.
    """
    done: list[UUID] = []
    failed = 0
    for batch in batched(ids, SET_SIZE):
        try:
            done += act(batch)
        except Exception:
            logger.exception("a set of the inactivity check failed and is tried one by one", size=len(batch))
            for id in batch:
                alone = _one(id, act)
                done += alone or []
                failed += alone is None
    return done, failed


def _one(id: UUID, act: Act) -> list[UUID] | None:
    try:
        return act([id])
    except Exception:
        logger.exception("the inactivity check failed for an organization", organization=str(id))
        return None
