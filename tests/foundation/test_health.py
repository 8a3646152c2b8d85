"""Up, ready, and how it is doing: asked by machines, told to those who may know."""

import os
import subprocess
import sys

import pytest
from post_office.models import STATUS, Email

from konnect_portal.foundation.outbox import queue_mails
from tests.foundation.test_outbox import deactivated


def test_the_process_is_up_without_asking_the_database(client):
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("away", "status"),
    [
        ({}, "200"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "200"),
        ({"DATABASE_URL": "postgres://x@127.0.0.1:1/x"}, "500"),
    ],
)
@pytest.mark.slow
def test_it_is_ready_while_the_database_answers_with_or_without_a_broker(away, status):
    """Signing in works without a broker."""
    asking = subprocess.run(
        [sys.executable, "-c", ASK], env=os.environ | away, capture_output=True, text=True, check=True
    )

    assert asking.stdout == status


ASK = """
import django
django.setup()
from django.test import Client
print(Client(headers={"Host": "localhost"}).get("/readyz").status_code, end="")
"""


@pytest.mark.django_db
class TestMetrics:
    def test_without_a_token_set_there_is_no_such_page(self, client):
        assert client.get("/metrics").status_code == 404
        assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer other", "Bearer é", "s3cret"])
    def test_without_the_right_one_nothing_is_told(self, client, settings, header):
        settings.METRICS_TOKEN = "s3cret"
        response = client.get("/metrics", headers={"Authorization": header})

        assert response.status_code == 401
        assert not response.content

    def test_mails_that_wait_or_failed_are_counted(self, client, settings):
        settings.METRICS_TOKEN = "s3cret"
        queue_mails(deactivated() for _ in range(3))
        Email.objects.filter(pk=Email.objects.first().pk).update(status=STATUS.failed)
        figures = client.get("/metrics", headers={"Authorization": "Bearer s3cret"}).text.splitlines()

        assert "portal_mails_waiting 2.0" in figures
        assert "portal_mails_failed 1.0" in figures
