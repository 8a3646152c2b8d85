"""What roles allow: every one that gives something, in every way it can be limited, against what_roles_allow.txt (P4).

Acme has two gateway control planes in the us and one in the eu, and a mesh control plane in each of these geos. Roles
for one are for `default`, those for mesh control planes for `mesh`. A cell lists what is allowed there, a letter for
each permission, `-` nothing:

`c` see, `C` change, `D` take down the control plane; `s` see, `S` change its services; `u` see, `U` change its
consumers; `k` see, `K` change its credentials; `n` see its nodes; `z` see its zones.
`g` add a gateway, `m` a mesh control plane in that geo.
`o` see the organization, `O` change its settings, `b` see its billing, `B` change its plan, `l` see its licenses; `p`
see people, `t` teams, `a` system accounts; `P` manage people, teams and roles, `A` system accounts; `h` read the
history; `W` hand it over, `X` deactivate it.
"""

import re
from pathlib import Path

import pytest
from django.db import transaction

from accounts import roles
from accounts.access import Access
from accounts.catalogue import CATALOGUE, MESH_CONTROL_PLANES, ORGANIZATION_WIDE
from accounts.models import AccessToken
from accounts.roles import ROLE_PERMISSIONS, TEAM_PERMISSIONS, TEAM_ROLES
from accounts.words import PREDEFINED_TEAMS
from geos.models import Consumer, ControlPlane, ControlPlaneCredential, DataPlaneNode, GatewayService, MeshZone
from tests import factories
from tests.customers import entered

pytestmark = pytest.mark.django_db

UNDER = {
    "s": (GatewayService, "geos.view_gatewayservice"),
    "S": (GatewayService, "geos.change_gatewayservice"),
    "u": (Consumer, "geos.view_consumer"),
    "U": (Consumer, "geos.change_consumer"),
    "k": (ControlPlaneCredential, "geos.view_controlplanecredential"),
    "K": (ControlPlaneCredential, "geos.change_controlplanecredential"),
    "n": (DataPlaneNode, "geos.view_dataplanenode"),
    "z": (MeshZone, "geos.view_meshzone"),
}
ITSELF = {"c": "geos.view_controlplane", "C": "geos.change_controlplane", "D": "geos.delete_controlplane"}
ADD = "geos.add_controlplane"
ORGANIZATION = {
    "o": "accounts.view_organization",
    "O": "accounts.change_organization",
    "b": "billing.view_billing",
    "B": "billing.change_plan",
    "l": "licensing.view_license",
    "p": "accounts.view_user",
    "t": "accounts.view_team",
    "a": "accounts.view_systemaccount",
    "P": "accounts.manage_people",
    "A": "accounts.add_systemaccount",
    "h": "accounts.view_history",
    "W": "accounts.transfer_ownership",
    "X": "accounts.deactivate_organization",
}

TABLE = Path(__file__).with_name("what_roles_allow.txt").read_text()
COLUMNS, *LINES = [re.split(r"\s{2,}", line.strip()) for line in TABLE.splitlines()]
ROWS = {name: dict(zip(COLUMNS, cells, strict=True)) for name, *cells in LINES}
ROLE = re.compile(r"([^:]+): (.+?)( for one)?( in us)?")
LIMITS = ["", " in us", " for one", " for one in us"]
OF_ROLES = [name for name in ROWS if not name.startswith(("Team: ", "The owner"))]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


class World:
    def __init__(self):
        self.acme, globex = factories.organization("Acme"), factories.organization("Globex")
        self.others = factories.control_plane(globex)
        self.control_planes = {
            "default": factories.control_plane(self.acme),
            "second": factories.control_plane(self.acme, "second"),
            "eu": factories.control_plane(self.acme, "europe", "eu"),
            "mesh": factories.control_plane(self.acme, "mesh", kind="mesh_global"),
            "mesh eu": factories.control_plane(self.acme, "mesh", "eu", "mesh_global"),
        }

    def holder(self, way, name):
        """Somebody who has a role of the table in this way."""
        if way == "as a system account":
            robot = factories.system_account(self.acme)
            self.give(name, system_account=robot)
            return robot
        person = factories.member(self.acme)
        if way == "directly":
            self.give(name, user=person)
        else:
            team = factories.team(self.acme)
            factories.join(self.acme, team.name, user=person)
            self.give(name, team=team)
        return person

    def give(self, name, **who):
        type_name, role_name, for_one, in_us = ROLE.fullmatch(name).groups()
        one = self.control_planes["mesh" if type_name == MESH_CONTROL_PLANES else "default"]
        limits = {"entity_id": one.pk if for_one else None, "entity_region": "us" if in_us else "*"}
        factories.role(self.acme, role_name, type_name, **limits, **who)

    def allowed(self, holder) -> dict[str, str]:
        """Their row of the table."""
        grants = roles.grants_of(holder, self.acme.pk)
        return {
            **{name: letters(grants.allow, control_plane) for name, control_plane in self.control_planes.items()},
            "new in us": self.added(grants, "us"),
            "new in eu": self.added(grants, "eu"),
            "organization": cell(letter for letter, perm in ORGANIZATION.items() if grants.allow(perm, self.acme)),
            "Globex": letters(roles.grants_of(holder, self.others.organization_id).allow, self.others),
        }

    def added(self, grants, geo) -> str:
        kinds = {"g": "gateway", "m": "mesh_global"}
        return cell(
            letter
            for letter, kind in kinds.items()
            if grants.allow(ADD, ControlPlane(organization=self.acme, geo_id=geo, kind=kind))
        )


def letters(allow, control_plane) -> str:
    """What is allowed on a control plane and on what lies under it."""
    itself = [letter for letter, perm in ITSELF.items() if allow(perm, control_plane)]
    under = [letter for letter, (model, perm) in UNDER.items() if allow(perm, model(control_plane=control_plane))]
    return cell([*itself, *under])


def cell(found) -> str:
    return "".join(found) or "-"


@pytest.mark.parametrize("way", ["directly", "through a team", "as a system account"])
@pytest.mark.parametrize("name", OF_ROLES)
def test_a_role_allows_what_the_table_says(world, name, way):
    """P4"""
    assert world.allowed(world.holder(way, name)) == ROWS[name]


@pytest.mark.parametrize("name", OF_ROLES)
def test_what_is_listed_is_what_is_allowed_one_by_one(world, name):
    """P4, P11"""
    holder = world.holder("directly", name)
    grants = roles.grants_of(holder, world.acme.pk)

    for perm in (*ITSELF.values(), "geos.view_gatewayservice", "geos.view_meshzone"):
        listed = roles.visible(holder, perm, ControlPlane.objects.all(), world.acme.pk)
        assert {*listed} == {each for each in world.control_planes.values() if grants.allow(perm, each)}


@pytest.mark.parametrize("name", PREDEFINED_TEAMS)
def test_a_predefined_team_allows_what_the_table_says(world, name):
    """P4"""
    for holder in (factories.member(world.acme, None, name), factories.system_account(world.acme, "r", name)):
        assert world.allowed(holder) == ROWS[f"Team: {name}"]


def test_the_owner_may_everything_and_of_people_alone_hand_over_and_deactivate(world):
    """P2"""
    assert world.allowed(world.acme.owner) == ROWS["The owner"]
    others = {letter for name, row in ROWS.items() if name != "The owner" for letter in row["organization"]}
    assert others.isdisjoint("WX")


def test_every_role_that_gives_something_has_its_rows_and_is_in_the_catalogue():
    mapped = [f"{type_name}: {role}" for type_name, role in ROLE_PERMISSIONS]
    wanted = [name + limit for name in mapped for limit in LIMITS]

    assert wanted == OF_ROLES
    assert all(role in CATALOGUE[type_name] for type_name, role in ROLE_PERMISSIONS)
    assert {*TEAM_PERMISSIONS, *TEAM_ROLES} <= {*PREDEFINED_TEAMS}
    assert {role for stood_for in TEAM_ROLES.values() for role in stood_for} <= {*ROLE_PERMISSIONS}


def test_every_permission_that_a_role_gives_has_its_letter():
    asked = {*ITSELF.values(), ADD, *ORGANIZATION.values(), *(perm for _, perm in UNDER.values())}

    assert asked == roles.OWNER
    assert set().union(*ROLE_PERMISSIONS.values()) <= asked


def test_nothing_is_ever_allowed_in_another_organization():
    assert {row["Globex"] for row in ROWS.values()} == {"-"}


def test_what_all_geos_share_cannot_be_had_for_one_of_them():
    """P11"""
    limited = [
        name for name in OF_ROLES if name.split(":")[0] in ORGANIZATION_WIDE and name.endswith(tuple(LIMITS[1:]))
    ]

    assert {ROWS[name]["organization"] for name in limited} == {"o"}


def test_roles_that_give_nothing_here_give_nothing(world):
    """A role of the catalogue that no table maps, such as one for Dev Portals."""
    holder = factories.member(world.acme)
    for type_name, names in CATALOGUE.items():
        for name in names:
            if (type_name, name) not in ROLE_PERMISSIONS:
                factories.role(world.acme, name, type_name, user=holder)
    allowed = world.allowed(holder)

    assert {column: text for column, text in allowed.items() if text != "-"} == {"organization": "o"}


def test_roles_add_up_and_the_strongest_wins(world):
    """P4"""
    holder = factories.member(world.acme)
    world.give("Control Planes: Viewer", user=holder)
    world.give("Control Planes: Admin for one", user=holder)
    world.give("Mesh Control Planes: Creator in us", user=holder)
    world.give("Audit Logs: Admin", user=holder)
    allowed = world.allowed(holder)

    assert allowed["default"] == ROWS["Control Planes: Admin"]["default"]
    assert allowed["second"] == allowed["eu"] == ROWS["Control Planes: Viewer"]["second"]
    assert (allowed["new in us"], allowed["new in eu"], allowed["mesh"]) == ("m", "-", "-")
    assert allowed["organization"] == "oh"


def test_one_place_answers_sessions_and_tokens_alike(acme, globex, bob):
    """P4, P5"""
    here, there = factories.control_plane(acme), factories.control_plane(acme, "europe", "eu")
    elsewhere = factories.control_plane(globex)
    robot = factories.system_account(acme)
    for who in ({"user": bob}, {"system_account": robot}):
        factories.role(acme, "Deployer", entity_region="us", **who)
    access = Access(acme, AccessToken(organization=acme, system_account=robot))
    for perm in ("geos.view_controlplane", "geos.change_gatewayservice", "geos.change_controlplane"):
        for obj in (here, there, elsewhere):
            allowed = perm != "geos.change_controlplane" and obj is here
            assert bob.has_perm(perm, obj) is access.has_perm(perm, obj) is allowed
            assert (perm in bob.get_all_permissions(obj)) is allowed


class TestPages:
    """What the pages make of the roles that hold for the whole organization."""

    def opened(self, user, organization) -> tuple[list[str], dict[str, int]]:
        client = entered(user, organization)
        places = [place.title for place in client.get("/").context["navigation"].places]
        paths = ("teams/", "teams/new/", f"users/{user.pk}/", "tokens/", "tokens/new/")
        return places, {path: client.get(f"/organization/{path}").status_code for path in paths}

    def test_an_identity_admin_manages_people_teams_and_system_accounts(self, acme, bob):
        factories.role(acme, "Admin", "Identity", user=bob)
        places, answers = self.opened(bob, acme)

        assert places == ["Home", "Control planes", "Your tokens", "People", "Teams", "System accounts"]
        assert {*answers.values()} == {200}

    def test_an_audit_logs_admin_reads_the_history_only(self, acme, bob):
        factories.role(acme, "Admin", "Audit Logs", user=bob)
        places, answers = self.opened(bob, acme)

        assert places == ["Home", "Control planes", "Your tokens", "History"]
        assert {*answers.values()} == {403}

    def test_a_role_for_control_planes_opens_none_of_them(self, acme, bob):
        factories.role(acme, "Admin", user=bob)
        places, answers = self.opened(bob, acme)

        assert places == ["Home", "Control planes", "Your tokens"]
        assert {*answers.values()} == {403}
