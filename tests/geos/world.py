"""Organizations to call a geo's API of: Acme works in us and eu, Globex in us. Alice owns Acme.

Bob reads what is in the us, Carol manages one control plane, Dave has no role, the robot creates in the eu.
"""

from accounts.models import Organization, User
from accounts.roles import MESH_CONTROL_PLANES
from geos.models import Consumer, ControlPlane, GatewayService, OrganizationGeo
from tests import factories
from tests.accounts.identity_api.world import caller

GEOS = ["us", "eu", "au", "me", "in", "sg"]
HOSTS = {geo: f"{geo}.api.localhost" for geo in GEOS}


class World:
    """What stands in a path or body for `{plane}`, `{service}` and so on."""

    acme: Organization
    alice: User

    def __init__(self) -> None:
        self.alice = factories.UserFactory(email="alice@acme.example", full_name="Alice Owner")
        self.acme = factories.organization("Acme", owner=self.alice)
        OrganizationGeo.objects.create(organization=self.acme, geo_id="eu")
        self.globex = factories.organization("Globex")
        self.plane = self.control_plane("default", labels={"env": "test", "tier": "one"}, description="First")
        self.second = self.control_plane("second", labels={"env": "live"})
        self.ingress = self.control_plane("ingress", kind="kic")
        self.mesh = self.control_plane("mesh", kind="mesh_global")
        self.europe = self.control_plane("default", "eu")
        self.gone = self.control_plane("gone")
        self.take_down(self.gone)
        self.others = factories.control_plane(self.globex)
        self.service = self.add_service(self.plane, "orders")
        self.europes_service = self.add_service(self.europe, "orders")
        self.others_service = self.add_service(self.others, "orders")
        self.consumer = self.add_consumer(self.plane, "shop")
        self.europes_consumer = self.add_consumer(self.europe, "shop")
        self.others_consumer = self.add_consumer(self.others, "shop")
        self.callers = {"alice": caller(self.acme, user=self.alice), "charlie": self.globex_caller()}
        self.callers |= {name: caller(self.acme, **who) for name, who in self.holders().items()}

    def holders(self) -> dict[str, dict]:
        bob, carol, dave, erin = (factories.member(self.acme) for _ in range(4))
        robot = factories.system_account(self.acme)
        factories.role(self.acme, "Viewer", user=bob, entity_region="us")
        factories.role(self.acme, "Admin", user=carol, entity_id=self.plane.pk)
        factories.role(self.acme, "Consumer Admin", user=erin)
        factories.role(self.acme, "Admin", MESH_CONTROL_PLANES, system_account=robot)
        factories.role(self.acme, "Creator", system_account=robot, entity_region="eu")
        people = {"bob": bob, "carol": carol, "dave": dave, "erin": erin}
        return {name: {"user": user} for name, user in people.items()} | {"robot": {"system_account": robot}}

    def globex_caller(self):
        return caller(self.globex, user=self.globex.owner)

    def control_plane(self, name, geo="us", kind="gateway", **fields) -> ControlPlane:
        return factories.control_plane(self.acme, name, geo, kind, **fields)

    @staticmethod
    def take_down(control_plane) -> None:
        now = control_plane.created_at
        ControlPlane.objects.filter(pk=control_plane.pk).update(
            state="decommissioning", decommission_requested_at=now, begins_at=now, next_attempt_at=now
        )

    @staticmethod
    def add_service(control_plane, name) -> GatewayService:
        return GatewayService.objects.create(control_plane=control_plane, name=name, host="orders.acme.example")

    @staticmethod
    def add_consumer(control_plane, username) -> Consumer:
        return Consumer.objects.create(control_plane=control_plane, username=username)

    def filled(self, text: str) -> str:
        return text.format_map({name: getattr(thing, "pk", None) for name, thing in vars(self).items()})

    def call(self, method: str, template: str, body: object = None, *, who="alice", geo="us", **options):
        """At the host of a geo, or at the host that is named."""
        path = "/v2/control-planes" + self.filled(template)
        return self.callers[who](method, path, body, host=HOSTS.get(geo, geo), **options)
