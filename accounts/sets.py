"""Acting on many, a set at a time (habit 2)."""

from collections.abc import Callable, Collection, Iterable
from itertools import batched
from uuid import UUID

import structlog

logger = structlog.get_logger(__name__)

SET_SIZE = 500


def in_sets[Done](ids: Iterable[UUID], act: Callable[[Collection[UUID]], list[Done]]) -> tuple[list[Done], int]:
    """Act on sets of 500; a set that fails is tried again one by one (P65).

    Gives what was done and how many failed.
    """
    done: list[Done] = []
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


def _one[Done](id: UUID, act: Callable[[Collection[UUID]], list[Done]]) -> list[Done] | None:
    try:
        return act([id])
    except Exception:
        logger.exception("the inactivity check failed for an organization", organization=str(id))
        return None
