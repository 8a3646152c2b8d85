"""A deactivation, walked table by table: what changed, and that no other organization's row did (P39 to P49)."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.apps import apps
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts import lifecycle
from accounts.models import (
    AccessToken,
    AddressChange,
    Approval,
    BulkDeactivation,
    BulkEntry,
    CaseNote,
    CheckEntry,
    CheckRun,
    ContactChange,
    Exemption,
    InactivityNotice,
    Invitation,
    OwnerInvitation,
    PasswordHistory,
    Recovery,
    Session,
    SignUpRequest,
    StaffLookup,
    Team,
)
from accounts.words import Reason, Via
from billing.models import (
    CardSetup,
    Credit,
    CreditSpent,
    DailyUsage,
    EmbeddedCard,
    EmbeddedCharge,
    EmbeddedSubscription,
    PaymentMethod,
    ProviderMismatch,
    ProviderSubscription,
    TrialClaim,
    UsageApart,
    UsageFault,
    UsageRecord,
)
from geos.models import Consumer, ControlPlaneCredential, GatewayService, TakeDownAttempt
from konnect_portal.foundation.addresses import address_hash
from licensing.models import LicenseDelivery
from tests import factories

pytestmark = pytest.mark.django_db

WRITTEN = {
    "accounts_organization": "changed",
    "accounts_accesstoken": "changed",
    "accounts_invitation": "changed",
    "accounts_contactchange": "removed",
    "accounts_teammembership": "removed",
    "accounts_roleassignment": "removed",
    "accounts_emaillock": "added",
    "accounts_lifecycleevent": "added",
    "accounts_eventsubject": "added",
    "billing_subscription": "changed",
    "billing_invoice": "changed",
    "billing_charge": "changed",
    "billing_credit": "changed",
    "billing_providersubscription": "changed",
    "geos_controlplane": "changed",
    "licensing_license": "changed",
    "foundation_mail": "added",
    "post_office_email": "added",
}
"""Every table that a deactivation writes to, and how. Whatever is not named here stays as it is, row by row."""

OTHER_SIDE = (EmbeddedCard, EmbeddedCharge, EmbeddedSubscription)
"""What the payment provider keeps, in its own transactions: no rollback of a test takes it back."""
IN_OTHER_HANDS = ("auth", "contenttypes", "sessions", "admin", "account", "mfa", "sites")


def tables() -> dict[str, dict]:
    """Every row of every table of the project, by table and key."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table, key = model._meta.db_table, ", ".join(field.column for field in model._meta.pk_fields)
            cursor.execute(f"SELECT {key}, to_jsonb(t) FROM {table} t")  # noqa: S608
            found[table] = {pk[0] if len(pk) == 1 else tuple(pk): json.loads(row) for *pk, row in cursor.fetchall()}
    return found


def full(organization, number) -> None:
    """Put a row into every table that can belong to an organization."""
    now = timezone.now()
    owner = organization.owner
    member = factories.member(organization, None, "Portal Admin", last_login_at=now)
    robot = factories.system_account(organization, "robot", "Control Plane Admin")
    team = Team.objects.create(organization=organization, name="Custom")
    for who in ({"user": member}, {"system_account": robot}, {"team": team}):
        factories.role(organization, **who)
    PasswordHistory.objects.create(user=owner, password="!")
    AddressChange.objects.create(user=owner, email="changed@x.example")
    ContactChange.objects.create(organization=organization, email="office@x.example", asked_by_id=owner.pk)
    Recovery.objects.create(user=owner, asked_at=now, in_force_at=now + timedelta(hours=72), event_id=owner.pk)
    Session.objects.create(session_key=str(owner.pk), user_id=owner.pk, session_data="", expire_date=now)
    end = {"expires_at": now + timedelta(days=9)}
    for count, who in enumerate(({"user": owner}, {"system_account": robot})):
        AccessToken.objects.create(
            organization=organization, name="t", digest=bytes([number, count] * 16), **who, **end
        )
    Invitation.objects.create(organization=organization, email="new@x.example", digest=bytes([number] * 32), **end)
    control_plane = factories.control_plane(organization, "gateway", nodes=2)
    factories.control_plane(organization, "mesh", "eu", "mesh_global", nodes=1, zones=2)
    GatewayService.objects.create(control_plane=control_plane, name="service")
    Consumer.objects.create(control_plane=control_plane, username="consumer")
    ControlPlaneCredential.objects.create(control_plane=control_plane, digest=bytes([number + 100] * 32))
    TakeDownAttempt.objects.create(control_plane=control_plane, outcome="failed")
    subscription = factories.subscription(organization)
    ProviderSubscription.objects.create(subscription=subscription, reference=f"sub_{number}")
    ProviderMismatch.objects.create(side="provider", reference=f"other_{number}", organization_id=organization.pk)
    credit = Credit.objects.create(
        organization=organization, kind="free", granted_cents=100, remaining_cents=50, granted_at=now
    )
    factories.invoice(organization, ("api_requests", 5, 10), is_draft=True)
    last = now - timedelta(days=30)
    invoice = factories.invoice(organization, ("api_requests", 5, 10), ends_at=last, number=number, charge={})
    CreditSpent.objects.create(invoice=invoice, credit=credit, cents=1)
    CardSetup.objects.create(organization=organization, begun_by_id=owner.pk)
    PaymentMethod.objects.create(
        organization=organization,
        reference=f"card_{number}",
        brand="Visa",
        last_digits="4242",
        expires_year=2030,
        expires_month=1,
        added_by_id=owner.pk,
    )
    usage = {"organization": organization, "geo": "us", "metric": "api_requests", "quantity": 5}
    UsageRecord.objects.create(hour=now.replace(minute=0, second=0, microsecond=0), **usage)
    DailyUsage.objects.create(day=now.date(), **usage)
    report = {"geo": "us", "batch_id": "one", "organization_id": organization.pk, "received_at": now}
    UsageApart.objects.create(metric="api_requests", hour=now, quantity=5, reason="too_old", **report)
    UsageFault.objects.create(position=0, field="quantity", reason="wrong", before=now, **report)
    TrialClaim.objects.create(
        address_hash=address_hash(owner.email), person_id=owner.pk, organization_id=organization.pk, claimed_at=now
    )
    node = control_plane.nodes.first()
    LicenseDelivery.objects.create(license=organization.licenses.first(), receiver_id=node.pk, delivered_at=now)
    Exemption.objects.create(organization=organization, reason="a friend")
    InactivityNotice.objects.create(organization=organization, inactive_at=now, announced_at=now, days_before=14)
    run, _ = CheckRun.objects.get_or_create(outcome="waiting", defaults={"at": now})
    CheckEntry.objects.create(run=run, organization=organization, inactive_at=now, last_seen_at=now)
    SignUpRequest.objects.create(email=f"someone{number}@else.example", requested_at=now)
    factories.support_request(organization)
    CaseNote.objects.create(organization=organization, author_id=owner.pk, text="Called")
    OwnerInvitation.objects.create(
        organization=organization, email="heir@x.example", invited_by_id=owner.pk, event_id=organization.pk, **end
    )
    StaffLookup.objects.create(staff_id=owner.pk, what="organization", target_id=organization.pk, slot=number)
    bulk = BulkDeactivation.objects.create(made_by_id=owner.pk)
    BulkEntry.objects.create(bulk=bulk, line=1, said=str(organization.pk), organization=organization)
    Approval.objects.create(
        act="deactivate_enterprise",
        target_id=organization.pk,
        asked_by_id=owner.pk,
        expires_at=now + timedelta(hours=24),
        via="admin",
        reason="spam",
        digest="0" * 64,
    )


def test_every_table_shows_what_a_deactivation_changed_and_that_nothing_else_did(acme, globex, lead):
    """P39 to P49"""
    full(acme, 1)
    full(globex, 2)
    factories.email_lock(globex, "old@globex.example", released_at=timezone.now(), released_event_id=globex.pk)
    before = tables()

    [event] = lifecycle.deactivate_organizations(
        [acme.pk], reason=Reason.SUPPORT_REQUEST, via=Via.ADMIN, actor=lead, ticket="T-1"
    )

    after = tables()
    told = event.details
    for table in before:
        added = after[table].keys() - before[table].keys()
        removed = before[table].keys() - after[table].keys()
        changed = {
            key for key in before[table].keys() & after[table].keys() if before[table][key] != after[table][key]
        }
        found = {"added": added, "removed": removed, "changed": changed}
        how = WRITTEN.get(table)
        assert {name for name, keys in found.items() if keys} == ({how} if how else set()), table
        for key in removed | changed:
            assert organization_of(before[table][key], before) == str(acme.pk), (table, key)
        for kind, name in TOLD.items():
            if name == table:
                assert {str(key) for key in removed | changed} == set(told[kind]), table


def organization_of(row, rows) -> str:
    """The organization's own id, that of the row, or that of what the row belongs to."""
    for column, table in (("invoice_id", "billing_invoice"), ("subscription_id", "billing_subscription")):
        if column in row and "organization_id" not in row:
            return organization_of(rows[table][UUID(row[column])], rows)
    return row.get("organization_id", row["id"])


TOLD = {
    "subscriptions": "billing_subscription",
    "draft_invoices": "billing_invoice",
    "charges": "billing_charge",
    "free_credits": "billing_credit",
    "control_planes": "geos_controlplane",
    "licenses": "licensing_license",
    "team_memberships": "accounts_teammembership",
    "role_assignments": "accounts_roleassignment",
    "tokens": "accounts_accesstoken",
    "invitations": "accounts_invitation",
}
"""Under which word the event names the rows of a table, by id (P47)."""


def test_whatever_step_fails_nothing_remains_and_nobody_is_told(acme, globex, lead):
    """P40, P41, P48: each table in its turn takes no writing."""
    full(acme, 1)
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run(FAIL)
    before, hints = tables(), list(connection.run_on_commit)

    for table in WRITTEN:
        run(f"CREATE TRIGGER fails BEFORE INSERT OR UPDATE OR DELETE ON {table} EXECUTE FUNCTION fail()")
        with pytest.raises(DatabaseError, match="as the test says"):
            lifecycle.deactivate_organizations([acme.pk], reason=Reason.FRAUD, via=Via.ADMIN, actor=lead, ticket="T-1")
        run(f"DROP TRIGGER fails ON {table}")

    assert tables() == before
    assert connection.run_on_commit == hints


FAIL = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'as the test says'; END $$
"""


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_walk_has_a_row_in_every_table_of_an_organization(acme, globex, lead):
    """A table that the walk leaves empty would show nothing."""
    full(acme, 1)
    full(globex, 2)
    lifecycle.deactivate_organizations([acme.pk], reason=Reason.FRAUD, via=Via.ADMIN, actor=lead, ticket="T-1")

    ours = [model for model in apps.get_models() if model._meta.app_label not in (*IN_OTHER_HANDS, "post_office")]
    empty = {model._meta.db_table for model in ours if not model.objects.exists() and model not in OTHER_SIDE}

    assert empty == {
        "billing_geousage",
        "billing_usagebatch",
        "geos_geobreaker",
        "geos_embeddedtakedown",
        "accounts_alert",
        "accounts_checkpause",
        "accounts_deskfigures",
    }
