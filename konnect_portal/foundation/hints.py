"""Messages to workers. The row is the intent; a hint only says "look", and a lost one is made up by beat."""

from functools import partial
from typing import Any

import structlog
from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

logger = structlog.get_logger(__name__)


def hint(task: Task, *args: Any, queue: str = "default") -> None:
    """After the commit, ask a worker to run `task`. A broker that is down is logged and stops nothing."""
    transaction.on_commit(partial(_send, task, args, queue), robust=True)


def _send(task: Task, args: tuple, queue: str) -> None:
    try:
        task.apply_async(args, queue=queue, retry=False)
    except OperationalError as error:
        logger.warning("hint not sent", task=task.name, error=str(error))
