"""Making tokens: for whom, how many, how long, and never in a deactivated organization (P5, P40)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.access import open_by_token
from accounts.lifecycle import deactivate_organizations
from accounts.management.commands.create_token import Command
from accounts.models import AccessToken, Organization
from accounts.services.tokens import TokenError, create_token
from accounts.words import Reason, Via
from tests import factories
from tests.races import collide

pytestmark = pytest.mark.django_db


def make(organization, name="laptop", days=30, **holder):
    return create_token(organization.pk, name=name, expires_at=timezone.now() + timedelta(days=days), **holder)


def test_a_members_token_begins_with_kpat_and_opens_the_door(acme, bob):
    token, raw = make(acme, user=bob)

    assert raw.startswith("kpat_")
    assert len(raw) == 55
    assert open_by_token(raw).token == token


def test_a_system_accounts_token_begins_with_spat_and_opens_the_door(acme):
    robot = factories.system_account(acme)
    _, raw = make(acme, system_account=robot)

    assert raw.startswith("spat_")
    assert open_by_token(raw).system_account == robot


def test_a_stranger_gets_none(acme, charlie):
    with pytest.raises(TokenError, match="no member of Acme"):
        make(acme, user=charlie)


def test_another_organizations_system_account_gets_none(acme, globex):
    with pytest.raises(TokenError, match="no such system account"):
        make(acme, system_account=factories.system_account(globex))


def test_nobody_gets_none(acme):
    with pytest.raises(TokenError):
        make(acme)


@pytest.mark.parametrize("name", ["a", "Bob's laptop", "ci_2.1-x", "x" * 256])
def test_good_names(acme, bob, name):
    assert make(acme, name, user=bob)[0].name == name


@pytest.mark.parametrize("name", ["", " a", "a ", "-", "a\nb", "a\n", "ä", "x" * 257])
def test_other_names_are_refused(acme, bob, name):
    with pytest.raises(TokenError, match="name"):
        make(acme, name, user=bob)


@pytest.mark.parametrize("days", [1, 365])
def test_a_token_lives_from_a_day_to_a_year(acme, bob, days):
    assert make(acme, days=days, user=bob)


@pytest.mark.parametrize("days", [-1, 0.99, 365.01])
def test_another_lifetime_is_refused(acme, bob, days):
    with pytest.raises(TokenError, match="365 days"):
        make(acme, days=days, user=bob)


def test_the_eleventh_live_token_of_a_person_is_refused_whichever_organization(acme, globex, alice):
    for organization in [acme, globex] * 5:
        make(organization, user=alice)

    with pytest.raises(TokenError, match="10 tokens"):
        make(acme, user=alice)
    AccessToken.objects.filter(pk=AccessToken.objects.first().pk).update(revoked_at=timezone.now())
    assert make(acme, user=alice)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    @pytest.fixture
    def deactivate(self, acme, lead):
        return lambda: deactivate_organizations(
            [acme.pk], reason=Reason.NON_PAYMENT, actor=lead, via=Via.ADMIN, ticket="T-1"
        )

    def test_no_token_is_born_in_an_organization_being_deactivated(self, acme, bob, deactivate):
        """P40"""
        refused = collide(deactivate, lambda: make(acme, user=bob))

        assert isinstance(refused, TokenError)
        assert not AccessToken.objects.exists()

    def test_a_token_made_just_before_is_revoked_by_the_deactivation(self, acme, bob, deactivate):
        """P40"""
        [event] = collide(lambda: make(acme, user=bob), deactivate)

        assert AccessToken.objects.get().deactivation_event_id == event.pk

    def test_nobody_gets_an_eleventh_token_by_asking_twice_at_once(self, acme, globex, alice):
        for _ in range(9):
            make(acme, user=alice)

        refused = collide(lambda: make(acme, user=alice), lambda: make(globex, user=alice))

        assert isinstance(refused, TokenError)


class TestCommand:
    def test_it_prints_a_members_token_once(self, acme, capsys):
        call_command("create_token", "--organization", str(acme.pk), "--user", " Bob@ACME.example")
        raw = capsys.readouterr().out.strip()

        assert open_by_token(raw).user.email == "bob@acme.example"

    def test_it_prints_a_system_accounts_token(self, acme, capsys):
        factories.system_account(acme, "robot")
        call_command("create_token", "--organization", str(acme.pk), "--system-account", "robot")

        assert capsys.readouterr().out.startswith("spat_")

    @pytest.mark.parametrize(
        ("holder", "said"),
        [
            (["--user", "charlie@globex.example"], "no member of Acme"),
            (["--user", "nobody@acme.example"], "no nobody@acme.example"),
            (["--system-account", "ghost"], "no ghost"),
        ],
    )
    def test_it_says_why_it_made_none_with_status_1(self, acme, globex, holder, said):
        with pytest.raises(CommandError, match=said) as refused:
            call_command("create_token", "--organization", str(acme.pk), *holder)

        assert refused.value.returncode == 1
        assert not AccessToken.objects.exists()

    def test_an_organization_that_does_not_exist_is_status_1(self, alice):
        with pytest.raises(CommandError, match="no active organization") as refused:
            call_command("create_token", "--organization", str(uuid4()), "--user", alice.email)

        assert refused.value.returncode == 1
        assert not Organization.objects.exists()

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["--organization", "acme", "--user", "a@b.example"],
            ["--organization", str(uuid4())],
            ["--organization", str(uuid4()), "--user", "a@b.example", "--system-account", "robot"],
            ["--organization", str(uuid4()), "--user", "a@b.example", "--days", "soon"],
            ["--organization", str(uuid4()), "--user", "a@b.example", "--days", "366"],
            ["--organization", str(uuid4()), "--user", "a@b.example", "--days", "99999999999"],
            ["--organization", str(uuid4()), "--user", "\udcff"],
            ["--organization", str(uuid4()), "--system-account", "\udcff"],
        ],
    )
    def test_bad_arguments_are_status_2(self, arguments):
        with pytest.raises(SystemExit) as refused:
            Command().run_from_argv(["manage.py", "create_token", *arguments])

        assert refused.value.code == 2
