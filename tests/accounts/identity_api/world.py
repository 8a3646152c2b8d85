"""An organization to call the identity API of: Alice owns Acme, Bob is a member, the robot's a machine of it."""

import json
import re
from datetime import timedelta
from functools import partial

from django.test import Client
from django.utils import timezone

from accounts.models import AccessToken, Organization, SystemAccount, Team, User
from accounts.services.tokens import create_token
from tests import factories

NAMED = re.compile(r"\{\w+\}")


def name_of(value) -> str:
    """Methods and paths name a test; checks, and bodies with moments in them, have no name that stays."""
    return value if isinstance(value, str) else ""


def token(organization: Organization, name: str = "token", **holder) -> tuple[AccessToken, str]:
    """A token for 30 days of `user` or `system_account`, with its secret."""
    return create_token(organization.pk, name=name, expires_at=timezone.now() + timedelta(days=30), **holder)


def caller(organization: Organization, **holder):
    """Calls the API with a token of its own: `call("POST", "/v3/teams", {"name": "Ops"})`."""
    call = partial(_call, Client(), token(organization, "caller", **holder)[1])
    assert call("GET", "/v3/organizations/me").status_code == 200  # the first call of a token writes that it came
    return call


def _call(
    client: Client,
    secret: str,
    method: str,
    path: str,
    body=None,
    content_type="application/json",
    host="testserver",
):
    """`body` is sent as JSON, text as it is."""
    data = body if isinstance(body, str | bytes) else "" if body is None else json.dumps(body)
    headers = {"Authorization": f"Bearer {secret}", "Host": host}
    return client.generic(method, path, data, content_type, headers=headers)


class World:
    """What stands in a path or body for `{bob}`, `{team}` and so on; `{past}`, `{soon}` and `{late}` are moments."""

    alice: User
    bob: User
    acme: Organization

    def __init__(self) -> None:
        self.alice = factories.UserFactory(email="alice@acme.example", full_name="Alice Owner")
        self.acme = factories.organization("Acme", owner=self.alice)
        self.bob = factories.member(
            self.acme, factories.UserFactory(email="bob@acme.example", full_name="Bob Member"), "Analytics Viewer"
        )
        self.charlie = factories.UserFactory(email="charlie@globex.example", full_name="Charlie Stranger")
        self.globex = factories.organization("Globex", owner=self.charlie)
        self.globex_team = Team.objects.create(organization=self.globex, name="Globetrotters")
        self.globex_robot = factories.system_account(self.globex)
        factories.member(self.globex, self.alice)
        self.alices_globex_token, _ = token(self.globex, "globex", user=self.alice)
        self.carol = factories.member(self.acme, factories.UserFactory(email="carol@acme.example", full_name="Carol"))
        self.robot = factories.system_account(self.acme, "robot", "Analytics Viewer")
        self.idle = factories.system_account(self.acme, "idle")
        self.managed = SystemAccount.objects.create(organization=self.acme, name="zone", konnect_managed=True)
        self.team = Team.objects.create(
            organization=self.acme, name="Platform", description="Builds it", labels={"env": "test", "tier": "one"}
        )
        self.crew = factories.join(self.acme, "Platform", user=self.bob)
        factories.join(self.acme, "Platform", system_account=self.robot)
        self.system = Team.objects.get(organization=self.acme, name="Analytics Viewer")
        self.admins = Team.objects.get(organization=self.acme, name="Organization Admin")
        self.plane = factories.control_plane(self.acme, "us-one")
        self.bobs_role = factories.role(self.acme, "Viewer", user=self.bob)
        self.teams_role = factories.role(self.acme, "Deployer", team=self.team, entity_id=self.plane.pk)
        self.robots_role = factories.role(self.acme, "Viewer", system_account=self.robot, entity_region="us")
        self.alices_token, _ = token(self.acme, "laptop", user=self.alice)
        self.bobs_token, _ = token(self.acme, "bobs", user=self.bob)
        self.robots_token, _ = token(self.acme, "deploy", system_account=self.robot)
        self.ask = caller(self.acme, user=self.alice)
        self.ask_as_bob = caller(self.acme, user=self.bob)
        self.ask_as_robot = caller(self.acme, system_account=self.idle)

    @property
    def ids(self) -> dict[str, object]:
        ids = {name: getattr(thing, "pk", None) for name, thing in vars(self).items()}
        now = timezone.now()
        moments = {"soon": timedelta(days=30), "past": timedelta(days=-1), "late": timedelta(days=366)}
        return ids | {name: (now + after).isoformat() for name, after in moments.items()}

    def path(self, template: str) -> str:
        return f"/v3{template}".format_map(self.ids)

    def filled(self, body):
        """The body with ids for `{names}`."""
        if isinstance(body, str):
            return body.format_map(self.ids) if NAMED.fullmatch(body) else body
        return {key: self.filled(value) for key, value in body.items()} if isinstance(body, dict) else body

    def call(self, method: str, template: str, body: object = None, *, ask=None, **options):
        """As Alice, unless `ask` is another's."""
        return (ask or self.ask)(method, self.path(template), self.filled(body), **options)
