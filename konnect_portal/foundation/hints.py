"""Messages to workers. The row is the intent; a hint only says "look", and a lost one is made up by beat."""

from functools import partial
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = structlog.get_logger(__name__)


def hint(task: str, *args: Any, queue: str = "default") -> None:
    """After the commit, ask a worker to run the task of that name. A broker that is down is logged and stops nothing.

    By name, since services stand below the tasks that call them.
    """
    transaction.on_commit(partial(_send, task, args, queue), robust=True)


def _send(task: str, args: tuple, queue: str) -> None:
    try:
        current_app.send_task(task, args, queue=queue, retry=False)
    except OperationalError as error:
        logger.warning("hint not sent", task=task, error=str(error))
