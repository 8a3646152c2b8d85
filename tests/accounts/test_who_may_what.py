"""Who may what: every route of the project, asked by everybody, against two tables (P4, P5, P40, P70).

who_may_what.txt has the pages, who_may_call.txt the API.

Acme has an owner, an admin and a member. The outsider owns Globex, works there and asks for what is Acme's. The shut
one is a member of Initech, entered it, and then it was deactivated; they ask for what is Initech's. What a form asks
for is left out, so a form that is posted to is shown again.

`page` it is shown or answered. `done` it happened, and leads on. `login`, `desk` sign in first, as a customer or as
staff. `choose` enter an organization first. `reason` refused with the reason of the deactivation. `no` 403, no right.
`404`, `405` as in HTTP. Of the API `401` no valid token, `204` it happened, `400` the body, which is empty, is wrong.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.bulk.lists import make_list, read_ids
from accounts.lifecycle import deactivate_organizations
from accounts.models import CheckRun, Organization
from accounts.owner_invitations import invite_owner
from accounts.second_lead import ask_to_deactivate
from accounts.services.exemptions import exempt
from accounts.services.recovery import ask_recovery
from accounts.services.tokens import create_token
from accounts.words import ORGANIZATION_ADMIN, Reason, Tier, Via
from billing.models import Invoice, Plan
from geos.models import Consumer, GatewayService, Geo
from geos.services import create_credential
from tests import customers, desk, factories
from tests.routes import Route, every_route

pytestmark = pytest.mark.django_db

TABLES = [Path(__file__).with_name(name).read_text() for name in ("who_may_what.txt", "who_may_call.txt")]
WHO, *LINES = [line.split() for table in TABLES for line in table.splitlines()]
ROWS = {
    f"{method} {pattern}": dict(zip(WHO, answers, strict=True))
    for method, pattern, *answers in LINES
    if pattern.startswith("/")
}
ROUTES = {str(route): route for route in every_route()}


API = ("/v2/", "/v3/")
REASON = "did not agree with our terms of service"
DOORS = [("/login/", "login"), ("/admin/login/", "desk"), ("/organizations/", "choose")]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """Made once, since everybody's every request is undone."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


class World:
    """Everybody's way in, and what a route's parameters stand for in each organization."""

    def __init__(self):
        self.acme, self.initech, globex = (self.organization(name) for name in ("Acme", "Initech", "Globex"))
        people = {
            "outsider": (globex.owner, globex),
            "member": (self.acme.member, self.acme),
            "admin": (factories.member(self.acme, None, ORGANIZATION_ADMIN), self.acme),
            "owner": (self.acme.owner, self.acme),
            "shut": (self.initech.member, self.initech),
        }
        staff = {tier.value: factories.staff(tier) for tier in Tier}
        for user in staff.values():
            RecoveryCodes.activate(user)
        self.viewer = factories.staff(Tier.VIEWER)
        desk.enroll(self.viewer)
        self.secrets = {who: self.token(person, place)[1] for who, (person, place) in people.items()}
        self.clients = {
            "nobody": Client(),
            **{who: customers.entered(*person) for who, person in people.items()},
            **{who: desk.signed_in(user) for who, user in staff.items()},
        }
        later = timezone.now() + timedelta(hours=72)
        shut = {"reason": Reason.FRAUD, "actor": staff["lead"], "via": Via.ADMIN, "ticket": "T-1"}
        deactivate_organizations([self.initech.pk], take_down_at=later, **shut)
        self.control_plane = self.initech.control_planes.get()
        self.contracted = factories.organization("Contracted", plan="enterprise")
        self.asking = Client()  # one, since each reads all static files before it can ask
        self.seek_help(staff["lead"], long_ago=timezone.now() - timedelta(days=100))
        self.marked = factories.organization("Marked")
        exempt(self.marked.pk, actor=staff["lead"], via=Via.ADMIN, note="Seasonal", ticket="T-1")
        self.approval = self.ask_second_lead(staff["lead"])
        self.list = make_list(read_ids(str(self.acme.pk)), actor=staff["lead"])
        self.run = CheckRun.objects.create(at=timezone.now(), outcome=CheckRun.Outcome.WAITING)

    def seek_help(self, lead, *, long_ago):
        """People whom only a lead can help, and an organization whose owner is not seen."""
        self.lost, self.enrolled = factories.UserFactory(), factories.UserFactory()
        said = {"actor": lead, "via": Via.ADMIN, "note": "Lost", "ticket": "T-1", "proof": "lead_word"}
        ask_recovery(self.lost.pk, email="found@x.example", **said)
        RecoveryCodes.activate(self.enrolled)
        self.closed = factories.UserFactory(is_active=False, closed_at=timezone.now())
        hold = {"hold_until": timezone.now() + timedelta(days=1), "hold_reason": "Court order", "hold_ticket": "T-1"}
        self.unused = factories.organization("Unused")
        deactivate_organizations([self.unused.pk], reason=Reason.INACTIVITY, via=Via.CHECK)
        Organization.objects.filter(pk=self.unused.pk).update(late_usage_at=timezone.now())
        self.held = factories.organization("Held", **hold)
        self.unseen = factories.organization("Unseen", owner=factories.UserFactory(created_at=long_ago))
        self.left = factories.left_organization(at=timezone.now())
        invite_owner(self.left.pk, email="heir@x.example", **said)

    @staticmethod
    def ask_second_lead(lead):
        contracted = factories.organization("Contracted", plan=Plan.ENTERPRISE)
        said = {"reason": Reason.FRAUD, "via": Via.ADMIN, "ticket": "T-1", "show": lambda preview: []}
        return ask_to_deactivate(contracted.pk, actor=lead, **said)

    def organization(self, name):
        """With a member, a system account and a team of both, roles and tokens, an invitation and a control plane."""
        made = factories.organization(name)
        made.member = factories.member(made)
        made.robot = factories.system_account(made)
        made.team = factories.team(made)
        holders = {"users": {"user": made.member}, "system-accounts": {"system_account": made.robot}}
        for who in holders.values():
            factories.join(made, made.team.name, **who)
        holders["teams"] = {"team": made.team}
        made.roles = {kind: factories.role(made, **who) for kind, who in holders.items()}
        made.personal_token, _ = self.token(made.member, made)
        made.system_token, _ = self.token(None, made, made.robot)
        made.plane = factories.control_plane(made)
        made.service = GatewayService.objects.create(control_plane=made.plane, name="orders")
        made.consumer = Consumer.objects.create(control_plane=made.plane, username="shop")
        made.credential, _ = create_credential(made.pk, made.plane.pk, title="berlin")
        made.invitation = factories.invitation(made)
        made.invoice = factories.invoice(made, number=1 + Invoice.objects.count())
        return made

    @staticmethod
    def token(user, organization, system_account=None):
        expires_at = timezone.now() + timedelta(days=30)
        return create_token(
            organization.pk, name="token", expires_at=expires_at, user=user, system_account=system_account
        )

    def url(self, route: Route, who: str) -> str:
        place = self.initech if who == "shut" else self.acme
        return route.filled(*self.things(route.pattern, place)) if route.has_parameters else route.path

    def things(self, pattern: str, place) -> tuple:
        """What stands in a pattern for its parameters."""
        if pattern.startswith((*API, "/control-planes/")):
            return tuple(self.things_by_word(pattern, place))
        roles = {kind: role.pk for kind, role in place.roles.items()}
        return {
            "/admin/accounts/organization/<uuid:id>/reactivate/": (self.initech.pk,),
            "/admin/accounts/organization/<uuid:id>/take-down/": (self.initech.pk,),
            "/admin/accounts/organization/<uuid:id>/deactivate/": (self.acme.pk,),
            "/admin/accounts/organization/<uuid:id>/name-owner/": (self.unseen.pk,),
            "/admin/accounts/organization/<uuid:id>/ask-contact/": (self.acme.pk,),
            "/admin/accounts/organization/<uuid:id>/hold/": (self.acme.pk,),
            "/admin/accounts/organization/<uuid:id>/release/": (self.held.pk,),
            "/admin/accounts/organization/<uuid:id>/let-go-on/": (self.unused.pk,),
            "/admin/accounts/organization/<uuid:id>/exempt/": (self.acme.pk,),
            "/admin/accounts/organization/<uuid:id>/end-exemption/": (self.marked.pk,),
            "/admin/accounts/organization/<uuid:id>/begin-contract/": (self.acme.pk,),
            "/admin/accounts/organization/<uuid:id>/change-contract/": (self.contracted.pk,),
            "/admin/accounts/organization/<uuid:id>/end-contract/": (self.contracted.pk,),
            "/admin/accounts/organization/<uuid:id>/invite-owner/": (self.left.pk,),
            "/admin/accounts/organization/<uuid:id>/revoke-owner-invitation/": (self.left.pk,),
            "/admin/accounts/organization/<uuid:id>/note/": (self.acme.pk,),
            "/admin/accounts/organization/<uuid:id>/timeline/": (self.acme.pk,),
            "/admin/accounts/organization/<uuid:id>/timeline.csv": (self.acme.pk,),
            "/admin/accounts/organization/<uuid:id>/timeline.json": (self.acme.pk,),
            "/admin/accounts/organization/<uuid:id>/progress/": (self.acme.pk,),
            "/admin/accounts/organization/<uuid:id>/usage/": (self.acme.pk,),
            "/admin/accounts/person/<path:object_id>/change/": (self.acme.owner.pk,),
            "/admin/accounts/person/<uuid:id>/reopen/": (self.closed.pk,),
            "/admin/accounts/person/<uuid:id>/replace-address/": (self.acme.owner.pk,),
            "/admin/accounts/person/<uuid:id>/stop-replacement/": (self.lost.pk,),
            "/admin/accounts/person/<uuid:id>/remove-second-factor/": (self.enrolled.pk,),
            "/admin/accounts/user/<uuid:id>/change-tier/": (self.viewer.pk,),
            "/admin/accounts/user/<uuid:id>/end/": (self.viewer.pk,),
            "/admin/accounts/user/<uuid:id>/reset-second-factor/": (self.viewer.pk,),
            "/admin/accounts/user/<path:object_id>/change/": (self.viewer.pk,),
            "/admin/accounts/organization/<path:object_id>/change/": (self.acme.pk,),
            "/admin/accounts/approval/<path:object_id>/change/": (self.approval.pk,),
            "/admin/accounts/checkrun/<path:object_id>/change/": (self.run.pk,),
            "/admin/accounts/bulkdeactivation/<path:object_id>/change/": (self.list.pk,),
            "/admin/accounts/bulkdeactivation/<uuid:id>/progress/": (self.list.pk,),
            "/admin/accounts/bulkdeactivation/<uuid:id>/stop/": (self.list.pk,),
            "/admin/accounts/checkrun/inactivity/<slug:group>/": ("due",),
            "/admin/accounts/checkrun/inactivity/why/<uuid:id>/": (self.acme.pk,),
            "/admin/geos/controlplane/<path:object_id>/change/": (self.control_plane.pk,),
            "/admin/geos/controlplane/<uuid:id>/progress/": (self.control_plane.pk,),
            "/admin/geos/controlplane/<uuid:id>/retry/": (self.control_plane.pk,),
            "/admin/geos/controlplane/<uuid:id>/take-down/": (self.control_plane.pk,),
            "/admin/accounts/emaillock/<uuid:id>/unlock/": (self.initech.email_locks.first().pk,),
            "/admin/welcome/<uidb64>/<token>/": ("who", "what"),
            "/signup/<secret>/": ("secret",),
            "/password/reset/<uidb64>/<token>/": ("who", "what"),
            "/account/address/<link>/": ("link",),
            "/account/recovery/prove/<link>/": ("link",),
            "/support-request/<link>/": ("link",),
            "/account/recovery/stop/<link>/": ("link",),
            "/account/invoices/<uuid:id>/": (place.pk,),
            "/account/invoices/<uuid:id>/invoice-<int:number>.pdf": (place.pk, place.invoice.number),
            "/billing/invoices/<uuid:id>/": (place.invoice.pk,),
            "/billing/invoices/<uuid:id>/invoice-<int:number>.pdf": (place.invoice.pk, place.invoice.number),
            "/organization/settings/contact/<link>/": ("link",),
            "/account/second-factor/passkeys/<int:pk>/remove/": (1,),
            "/organizations/<uuid:id>/enter/": (place.pk,),
            "/account/leave/<uuid:id>/": (place.pk,),
            "/join/<secret>/": ("secret",),
            "/own/<secret>/": ("secret",),
            "/billing/test-provider/<uuid:id>/": (place.pk,),
            "/licenses/<uuid:id>/": (place.licenses.first().pk,),
            "/organization/users/<uuid:id>/remove/": (place.member.pk,),
            "/organization/users/invitations/<uuid:id>/resend/": (place.invitation.pk,),
            "/organization/users/invitations/<uuid:id>/revoke/": (place.invitation.pk,),
            "/account/tokens/<uuid:id>/revoke/": (place.personal_token.pk,),
            "/organization/tokens/<uuid:account_id>/": (place.robot.pk,),
            "/organization/tokens/<uuid:account_id>/new/": (place.robot.pk,),
            "/organization/tokens/<uuid:account_id>/<uuid:id>/revoke/": (place.robot.pk, place.system_token.pk),
            "/organization/tokens/<uuid:account_id>/edit/": (place.robot.pk,),
            "/organization/tokens/<uuid:account_id>/delete/": (place.robot.pk,),
            "/organization/tokens/<uuid:system_account_id>/teams/join/": (place.robot.pk,),
            "/organization/tokens/<uuid:system_account_id>/roles/new/": (place.robot.pk,),
            "/organization/tokens/<uuid:system_account_id>/roles/<uuid:id>/remove/": (
                place.robot.pk,
                roles["system-accounts"],
            ),
            "/organization/users/<uuid:user_id>/": (place.member.pk,),
            "/organization/users/<uuid:user_id>/teams/join/": (place.member.pk,),
            "/organization/users/<uuid:user_id>/roles/new/": (place.member.pk,),
            "/organization/users/<uuid:user_id>/roles/<uuid:id>/remove/": (place.member.pk, roles["users"]),
            "/organization/teams/<uuid:team_id>/": (place.team.pk,),
            "/organization/teams/<uuid:team_id>/edit/": (place.team.pk,),
            "/organization/teams/<uuid:team_id>/delete/": (place.team.pk,),
            "/organization/teams/<uuid:team_id>/add/": (place.team.pk,),
            "/organization/teams/<uuid:team_id>/people/<uuid:user_id>/remove/": (place.team.pk, place.member.pk),
            "/organization/teams/<uuid:team_id>/system-accounts/<uuid:system_account_id>/remove/": (
                place.team.pk,
                place.robot.pk,
            ),
            "/organization/teams/<uuid:team_id>/roles/new/": (place.team.pk,),
            "/organization/teams/<uuid:team_id>/roles/<uuid:id>/remove/": (place.team.pk, roles["teams"]),
        }[pattern]

    def things_by_word(self, pattern: str, place) -> Iterator[UUID | str]:
        """A parameter is told by the word before it, a role or token besides by whose it is."""
        kind, *parts = re.sub(r"^/(v\d/)?", "", pattern).split("/")
        tokens = {"users": place.personal_token, "system-accounts": place.system_token}
        things = {
            "control-planes": place.plane,
            "services": place.service,
            "consumers": place.consumer,
            "credentials": place.credential,
            "nodes": place.plane,  # as good as any: nobody here has what nodes sign in with
            "zones": place.plane,
            "geos": Geo(pk="eu"),
            "users": place.member,
            "teams": place.team,
            "system-accounts": place.robot,
            "assigned-roles": place.roles.get(kind),
            "access-tokens": tokens.get(kind),
        }
        return (things[word].pk for word, part in pairwise([kind, *parts]) if part.startswith("<"))

    def ask(self, route: Route, who: str):
        """By token where it is the API, which staff have none for; by session otherwise. What it changes is undone."""
        headers = {"Host": "us.api.localhost"} if route.pattern.startswith("/v2/") else {}
        self.asking.cookies.clear()
        if route.pattern.startswith(API):
            headers["Authorization"] = f"Bearer {self.secrets.get(who, 'none')}"
        else:
            self.asking.cookies.load(self.clients[who].cookies.output(header=""))
        with transaction.atomic():
            response = self.asking.generic(route.method, self.url(route, who), headers=headers)
            transaction.set_rollback(True)
        return response


def answer_of(response) -> str:
    if response.status_code == 403:
        return "reason" if REASON in customers.words(response) else "no"
    if response.status_code in (301, 302):
        return next((word for start, word in DOORS if response["Location"].startswith(start)), "done")
    return {200: "page"}.get(response.status_code, str(response.status_code))


def test_every_route_has_its_row_and_every_row_its_route():
    assert sorted(ROUTES) == sorted(ROWS)


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_everybody_is_answered_as_the_table_says(world, name):
    answers = {who: answer_of(world.ask(ROUTES[name], who)) for who in WHO}

    assert answers == ROWS.get(name)
