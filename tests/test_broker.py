"""What a worker is told where the broker's connection is gone, and what the schedule asks of it."""

import pytest
from django.utils.module_loading import import_string

from konnect_portal.celery import app


def test_a_message_that_came_by_a_lost_connection_is_not_acknowledged_and_that_is_an_error_of_the_connection():
    """P48: anything else would leave the worker standing still for good"""
    with app.connection_for_write() as connection:
        channel = connection.channel()

    with pytest.raises(connection.connection_errors, match="is gone"):
        channel.basic_ack("tag")


def test_every_task_of_the_schedule_exists():
    tasks = [entry["task"] for entry in app.conf.beat_schedule.values()]

    assert [import_string(task).name for task in tasks] == tasks
