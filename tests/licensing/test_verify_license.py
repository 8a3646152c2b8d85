"""`manage.py verify_license FILE`: whether the license.json that a node has is valid (P21)."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.utils import timezone

from konnect_portal.settings import BASE_DIR
from licensing.management.commands.verify_license import Command
from licensing.services import provision_licenses
from licensing.signing import expiry_date, public_keys


@pytest.fixture
def license(acme):
    return acme.licenses.get(product="kic")


@pytest.fixture
def told(tmp_path, capsys):
    def tell(document: str) -> str:
        (tmp_path / "license.json").write_text(document)
        call_command("verify_license", str(tmp_path / "license.json"))
        return capsys.readouterr().out

    return tell


def test_it_says_what_it_is_for_who_has_it_and_until_when(license, told, django_assert_num_queries):
    """P21"""
    with django_assert_num_queries(0):
        words = told(license.document)

    customer, until = license.organization_id, expiry_date(license.expires_at)
    assert words == f"Valid: Kong Ingress Controller for customer {customer}, until {until:%d %b %Y}, 00:00 UTC.\n"


def test_it_says_why_one_is_not_valid(license, told, globex):
    """P21, P22"""
    globex.licenses.all().delete()
    expired = provision_licenses([globex.pk], at=timezone.now() - timedelta(days=366))[0]
    other = json.loads(license.document)
    other["license"]["payload"]["dataplanes"] = "7"
    unknown = json.loads(license.document)
    unknown["license"]["payload"]["key_id"] = "0" * 16

    for document, why in [
        (expired.document, "It expired on"),
        (json.dumps(other), "changed after it was signed"),
        (json.dumps(unknown), "a key that is not known here"),
        ("{}", "form of a license"),
        ("", "not JSON"),
    ]:
        with pytest.raises(CommandError, match=rf"Not valid\. .*{why}") as refused:
            told(document)
        assert refused.value.returncode == 1


def test_a_lapsed_license_that_a_node_has_stays_valid(license, told):
    """P43"""
    license.lapsed_at = timezone.now()
    license.save()

    assert told(license.document).startswith("Valid: ")


def test_it_needs_no_database_and_public_keys_only(license, tmp_path):
    """P21"""
    path = tmp_path / "license.json"
    path.write_text(license.document)
    public = public_keys()[license.key_id].public_bytes_raw().hex()
    elsewhere = {
        "DATABASE_URL": "postgres:///unused",
        "LICENSE_SIGNING_KEY": "unused",
        "LICENSE_PUBLIC_KEYS": f"{'ab' * 32},{public}",
    }

    done = subprocess.run(
        [sys.executable, BASE_DIR / "manage.py", "verify_license", path],
        env={**os.environ, **elsewhere},
        check=False,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Valid: Kong Ingress Controller")


def test_a_file_that_cannot_be_read_is_a_bad_argument(tmp_path, capsys):
    """P21"""
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "verify_license", str(tmp_path / "nowhere.json")])

    assert ended.value.code == 2
    assert "nowhere.json cannot be read: " in capsys.readouterr().err


def test_a_process_with_a_wrong_setting_does_not_start(settings):
    """P22"""
    settings.LICENSE_SIGNING_KEY = "secret"
    with pytest.raises(ImproperlyConfigured, match="LICENSE_SIGNING_KEY holds no key"):
        apps.get_app_config("licensing").ready()

    settings.LICENSE_SIGNING_KEY = "ab" * 32
    settings.LICENSE_RENEW_DAYS_LEFT = settings.LICENSE_DAYS
    with pytest.raises(ImproperlyConfigured, match="must be less than LICENSE_DAYS"):
        apps.get_app_config("licensing").ready()


def test_the_public_keys_are_shown_for_the_next_rotation(settings, capsys):
    """P22"""
    settings.LICENSE_PUBLIC_KEYS = ["ab" * 32]

    call_command("show_license_keys")

    current, older = capsys.readouterr().out.split()
    assert (len(current), older) == (64, "ab" * 32)
    assert settings.LICENSE_SIGNING_KEY not in current
