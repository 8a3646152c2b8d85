"""Messages to workers. The row is the intent; a hint only says "look", and a lost one is made up by beat."""

import math
from functools import partial
from time import monotonic
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

SILENCE_SECONDS = 5

logger = structlog.get_logger(__name__)


def hint(task: str, *args: Any, queue: str = "default") -> None:
    """After the commit, ask a worker to run the task of that name. A broker that is down is logged and stops nothing.

    By name, since services stand below the tasks that call them.
    """
    transaction.on_commit(partial(_send, task, args, queue), robust=True)


class Silence:
    """After one hint has failed, the next ones are not tried for a while: a request with many waits only once."""

    until = -math.inf


def _send(task: str, args: tuple, queue: str) -> None:
    if monotonic() < Silence.until:
        return
    try:
        current_app.send_task(task, args, queue=queue, retry=False)
    except OperationalError as error:
        Silence.until = monotonic() + SILENCE_SECONDS
        logger.warning("hint not sent", task=task, error=str(error))
