"""Settings > General: name and login path, and ownership handed over (P2, P3)."""

import re
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from accounts.lifecycle import deactivate_organizations
from accounts.models import LifecycleEvent, Organization
from accounts.services.settings import change_organization
from accounts.words import ORGANIZATION_ADMIN, Act, Reason, Via
from tests import factories
from tests.customers import entered, signed_in, with_password
from tests.desk import enroll, totp_code
from tests.factories import PASSWORD
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db

SETTINGS, OWNER = "/organization/settings/", "/organization/settings/owner/"


@pytest.fixture(autouse=True)
def _no_tries_yet(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def alice(alice):
    return with_password(alice)


@pytest.fixture
def dora(acme):
    return factories.member(
        acme, factories.UserFactory(email="dora@acme.example", full_name="Dora Admin"), ORGANIZATION_ADMIN
    )


@pytest.fixture
def as_alice(alice, acme):
    return entered(alice, acme)


@pytest.fixture
def as_dora(dora, acme):
    return entered(dora, acme)


@pytest.fixture
def deactivate(acme, lead):
    return lambda: deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")


def opened(client, **typed):
    """Open the page, type, and give what a browser would send of it."""
    page = client.get(SETTINGS)
    form, hidden = page.context["form"], dict(re.findall(r'name="(initial-\w+)" value="(.*?)"', page.text))
    return {name: form[name].value() for name in ("name", "login_path")} | hidden | typed


def change(client, **typed):
    return client.post(SETTINGS, opened(client, **typed), follow=True)


def of(organization) -> tuple[str, str | None]:
    organization.refresh_from_db()
    return organization.name, organization.login_path


class TestNameAndLoginPath:
    @pytest.mark.parametrize("who", ["as_alice", "as_dora"])
    def test_owner_and_admin_change_them_and_an_event_says_which(self, who, request, acme):
        """P2, P47"""
        page = change(request.getfixturevalue(who), name="Acme & Sons", login_path="Acme1")

        assert "Your changes are saved." in page.text
        assert "Acme &amp; Sons" in page.text
        assert of(acme) == ("Acme & Sons", "Acme1")
        event = LifecycleEvent.objects.get()
        assert (event.act, event.via, event.organization_id) == (Act.ORGANIZATION_CHANGED, Via.SETTINGS, acme.pk)
        assert event.details == {"fields": ["name", "login_path"]}

    def test_what_nobody_touched_is_not_written_over_what_another_admin_made_of_it(self, as_alice, as_dora, acme):
        """P2"""
        earlier = opened(as_alice, login_path="acme")
        change(as_dora, name="Acme Two")

        as_alice.post(SETTINGS, earlier)

        assert of(acme) == ("Acme Two", "acme")
        assert sorted(event.details["fields"] for event in LifecycleEvent.objects.all()) == [["login_path"], ["name"]]

    def test_after_a_mistake_it_is_still_known_what_was_touched(self, as_alice, as_dora, acme):
        mistaken = as_alice.post(SETTINGS, opened(as_alice, login_path="a/b"))
        change(as_dora, name="Acme Two")
        hidden = dict(re.findall(r'name="(initial-\w+)" value="(.*?)"', mistaken.text))

        as_alice.post(SETTINGS, {"name": "Acme", "login_path": "ab"} | hidden)

        assert of(acme) == ("Acme Two", "ab")

    def test_nothing_touched_writes_no_event(self, as_alice, acme):
        assert "Nothing was changed." in change(as_alice).text
        assert not LifecycleEvent.objects.exists()

    def test_an_empty_login_path_takes_it_away(self, as_alice, acme, globex):
        Organization.objects.filter(pk=acme.pk).update(login_path="acme")
        change(as_alice, login_path=" ")

        assert of(acme) == ("Acme", None)
        assert of(globex)[1] is None

    @pytest.mark.parametrize("path", ["globex", "GLOBEX"])
    def test_a_taken_path_says_so_and_not_by_whom(self, path, as_alice, acme, globex):
        """Unique among all organizations, compared without case; one that is deactivated keeps its own."""
        Organization.objects.filter(pk=globex.pk).update(login_path="Globex", name="Secret Name")
        page = change(as_alice, login_path=path, name="Acme Two")

        assert "This login path is taken" in page.text
        assert f'value="{path}"' in page.text
        assert "Secret Name" not in page.text
        assert of(acme) == ("Acme", None)
        assert not LifecycleEvent.objects.exists()

    def test_its_own_path_in_another_case_is_not_taken(self, as_alice, acme):
        Organization.objects.filter(pk=acme.pk).update(login_path="acme")
        change(as_alice, login_path="ACME")

        assert of(acme)[1] == "ACME"

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"name": ""}, "name the organization"),
            ({"name": "  "}, "name the organization"),
            ({"name": "x" * 251}, "250"),
            ({"name": "a\x00b"}, "Null characters"),
            ({"login_path": "a/b"}, "letters from A to Z and digits"),
            ({"login_path": "a b"}, "letters from A to Z and digits"),
            ({"login_path": "café"}, "letters from A to Z and digits"),
            ({"login_path": "١٢٣"}, "letters from A to Z and digits"),
            ({"login_path": "a" * 251}, "250"),
            ({"login_path": "a" * 10_000}, "250"),
            ({"login_path": "a\x00"}, "Null characters"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_changed(self, typed, said, as_alice, acme):
        page = change(as_alice, **typed)

        assert page.status_code == 200
        assert said in page.text
        assert of(acme) == ("Acme", None)

    @pytest.mark.parametrize("path", ["a/b", "", "ä", "a\n"])
    def test_the_database_takes_no_other_path_either(self, path, acme):
        with pytest.raises(IntegrityError):
            Organization.objects.filter(pk=acme.pk).update(login_path=path)

    def test_an_admin_sees_who_owns_it_and_none_of_the_owners_acts(self, as_alice, as_dora):
        """P2: what a person may not do is not shown"""
        admins, owners = as_dora.get(SETTINGS).text, as_alice.get(SETTINGS).text

        assert "Alice Owner" in admins
        for act in (OWNER, "/organization/settings/deactivate/"):
            assert act in owners
            assert act not in admins

    def test_the_price_of_the_page_does_not_depend_on_how_many_belong_to_it(self, as_alice, acme):
        def queries():
            with CaptureQueriesContext(connection) as asked:
                as_alice.get(SETTINGS)
            return len(asked)

        few = queries()
        for _ in range(12):
            factories.member(acme, None, ORGANIZATION_ADMIN)

        assert queries() == few


class TestHandingOver:
    def hand_over(self, client, to, password=PASSWORD):
        return client.post(OWNER, {"to": str(to), "password": password}, follow=True)

    def owner_of(self, organization):
        return Organization.objects.get(pk=organization.pk).owner

    def test_the_owner_names_an_admin_and_sees_the_settings_as_an_admin_afterwards(self, as_alice, acme, dora, alice):
        """P3"""
        page = self.hand_over(as_alice, dora.pk)

        assert self.owner_of(acme) == dora
        assert "Dora Admin owns Acme now" in page.text
        assert OWNER not in page.text
        assert "danger-zone" not in page.text
        assert as_alice.get(OWNER).status_code == 403

    def test_only_the_others_in_organization_admin_can_be_chosen(self, as_alice, acme, globex, dora, bob):
        """P3"""
        closed = factories.member(acme, factories.UserFactory(full_name="Cora Closed"), ORGANIZATION_ADMIN)
        closed.is_active = False
        closed.save()
        page = as_alice.get(OWNER)

        assert [str(label) for _value, label in page.context["form"].fields["to"].choices] == ["Dora Admin"]

    @pytest.mark.parametrize("who", ["bob", "charlie", "alice", None])
    def test_nobody_else_becomes_owner(self, who, as_alice, acme, dora, request):
        """P3: not a member outside Organization Admin, a stranger, oneself, or nobody at all."""
        to = request.getfixturevalue(who).pk if who else uuid4()
        page = self.hand_over(as_alice, to)

        assert "nobody of Organization Admin with an open account any more" in page.text
        assert str(self.owner_of(acme)) == "Alice Owner"
        assert not LifecycleEvent.objects.exists()

    def test_somebody_who_left_meanwhile_is_refused(self, as_alice, acme, dora):
        """P3"""
        factories.member(acme, None, ORGANIZATION_ADMIN)
        assert "Dora Admin" in as_alice.get(OWNER).text
        dora.team_memberships.all().delete()
        dora.memberships.all().delete()

        assert "Please choose somebody else" in self.hand_over(as_alice, dora.pk).text
        assert str(self.owner_of(acme)) == "Alice Owner"

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"to": ""}, "choose who owns it"),
            ({"to": "x"}, "choose somebody else"),
            ({"to": "x\x00"}, "Null characters"),
            ({"password": ""}, "enter your password"),
            ({"password": "wrong"}, "not your password"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_changed(self, changes, said, as_alice, acme, dora):
        page = self.hand_over(as_alice, **{"to": dora.pk} | changes)

        assert said in page.text
        assert str(self.owner_of(acme)) == "Alice Owner"
        if "to" not in changes:
            assert re.search(rf'value="{dora.pk}"[^>]*checked', page.text)

    def test_without_another_admin_it_says_how_to_get_one(self, as_alice):
        page = as_alice.get(OWNER)

        assert "Nobody to hand it to yet" in page.text
        assert "/organization/teams/" in page.text
        assert 'name="password"' not in page.text

    def test_whoever_has_a_second_factor_shows_it_once_more_and_no_password_is_kept_for_it(self, acme, alice, dora):
        enroll(alice)
        client = signed_in(alice, stepped_up=False)
        client.post(f"/organizations/{acme.pk}/enter/")
        answer = client.post(OWNER, {"to": str(dora.pk), "password": PASSWORD})

        assert answer["Location"].startswith("/account/confirm/")
        assert str(dora.pk) in str(dict(client.session))
        assert PASSWORD not in str(dict(client.session))
        again = client.post(answer["Location"], {"code": totp_code()}, follow=True)
        assert "enter your password" in again.text
        assert self.owner_of(acme) == alice

    def test_among_many_admins_one_is_found_at_the_same_price(self, as_alice, acme, dora):
        def queries(url):
            with CaptureQueriesContext(connection) as asked:
                page = as_alice.get(url)
            return len(asked), page

        few, page = queries(OWNER)
        assert 'role="search"' not in page.text
        for n in range(30):
            factories.member(acme, factories.UserFactory(full_name=f"Person {n:02}"), ORGANIZATION_ADMIN)
        many, page = queries(OWNER)

        assert many == few
        assert len(page.context["page"].rows) == 25
        assert "Person 29" in as_alice.get(f"{OWNER}?after={page.context['page'].after}").text
        found = as_alice.get(f"{OWNER}?q=PERSON+07")
        assert [str(person) for person in found.context["page"].rows] == ["Person 07"]

    @pytest.mark.parametrize("search", ["nobody at all", "x" * 10_000, "%00zzz"])
    def test_a_search_that_finds_nobody_says_so(self, search, as_alice, dora):
        assert "Nobody in Organization Admin has" in as_alice.get(f"{OWNER}?q={search}").text

    def test_one_who_stands_on_another_page_can_be_chosen_all_the_same(self, as_alice, acme, dora):
        for n in range(30):
            factories.member(acme, factories.UserFactory(full_name=f"Ada {n:02}"), ORGANIZATION_ADMIN)
        self.hand_over(as_alice, dora.pk)

        assert self.owner_of(acme) == dora


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_change_that_meets_a_deactivation_is_refused_with_the_reason(self, as_alice, acme, deactivate):
        """Habit 1, P40"""
        data = opened(as_alice, name="Late")
        response = collide(deactivate, lambda: as_alice.post(SETTINGS, data))

        assert response.status_code == 403
        assert "Acme is deactivated" in response.text
        assert of(acme)[0] == "Acme"

    def test_a_transfer_that_meets_a_deactivation_is_refused_with_the_reason(self, as_alice, acme, dora, deactivate):
        """Habit 1, P40"""
        data = {"to": str(dora.pk), "password": PASSWORD}
        response = collide(deactivate, lambda: as_alice.post(OWNER, data))

        assert response.status_code == 403
        assert "Acme is deactivated" in response.text

    def test_a_transfer_sent_from_two_tabs_at_once_happens_once_and_the_other_is_told(self, alice, acme, dora):
        """P3"""
        ada = factories.member(acme, None, ORGANIZATION_ADMIN)
        tabs = [(entered(alice, acme), person) for person in (dora, ada)]
        answers = at_once(
            *(
                lambda client=client, to=to: client.post(OWNER, {"to": str(to.pk), "password": PASSWORD})
                for client, to in tabs
            )
        )

        assert LifecycleEvent.objects.count() == 1
        [late] = [answer for answer in answers if answer.status_code != 302]
        assert late.status_code == 403 or "Only its owner can hand Acme over" in late.text

    def test_of_two_organizations_that_want_one_path_at_once_one_gets_it(self, acme, globex, alice, charlie):
        """Compared without case."""
        answers = at_once(
            lambda: change_organization(acme.pk, login_path="same", actor=alice, via=Via.SETTINGS),
            lambda: change_organization(globex.pk, login_path="SAME", actor=charlie, via=Via.SETTINGS),
        )

        assert sorted(type(answer).__name__ for answer in answers) == ["SettingsError", "list"]
        assert LifecycleEvent.objects.count() == 1

    def test_two_admins_at_once_each_keep_what_they_changed(self, acme, alice, dora):
        """P2"""

        def rename():
            change_organization(acme.pk, name="Acme Two", actor=dora, via=Via.SETTINGS)

        assert collide(
            rename, lambda: change_organization(acme.pk, login_path="acme", actor=alice, via=Via.SETTINGS)
        ) == ["login_path"]
        assert of(acme) == ("Acme Two", "acme")
