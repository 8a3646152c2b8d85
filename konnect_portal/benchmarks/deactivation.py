"""Deactivating organizations that are due, as the check does (P65): in sets, one by one, and by one statement.

The statement is written by hand and writes the tables that a deactivation of these organizations changes, nine and the
two of its mails, without asking whether it may.
"""

from collections.abc import Collection
from itertools import batched
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from accounts import inactivity
from accounts.lifecycle import deactivate_organizations
from accounts.models import Organization
from accounts.sets import SET_SIZE
from accounts.words import Reason, Via
from konnect_portal.benchmarks.measuring import Case, Watch, same
from konnect_portal.benchmarks.worlds import fill
from konnect_portal.foundation.addresses import address_hash

ORGANIZATIONS = 20_000
ONE_BY_ONE = 500

# Each organization has an owner of its own, a second member in another team and with a role, a token, a control plane
# and its licenses.
WORLD = (
    """
    INSERT INTO accounts_user (
        id, email, full_name, preferred_name, password, is_staff, is_superuser, is_active, created_at, updated_at
    )
    SELECT md5(part || n)::uuid, part || n || '@example.com', part || ' ' || n, '', '!', false, false, true, now(),
        now()
    FROM generate_series(%(first)s, %(last)s) AS n CROSS JOIN unnest('{contact,member}'::text[]) AS part
    """,
    """
    UPDATE accounts_organization SET owner_id = md5('contact' || split_part(name, ' ', 2))::uuid
    """,
    """
    INSERT INTO accounts_membership (id, organization_id, user_id, joined_at)
    SELECT gen_random_uuid(), md5('organization' || n)::uuid, md5(part || n)::uuid, now()
    FROM generate_series(%(first)s, %(last)s) AS n CROSS JOIN unnest('{contact,member}'::text[]) AS part
    """,
    """
    INSERT INTO accounts_team (
        id, organization_id, name, description, is_predefined, labels, created_at, updated_at
    )
    SELECT md5(part || 'team' || n)::uuid, md5('organization' || n)::uuid, team, '', true, '{}', now(), now()
    FROM generate_series(%(first)s, %(last)s) AS n
    CROSS JOIN (VALUES ('contact', 'Organization Admin'), ('member', 'Control Plane Admin')) AS teams (part, team)
    """,
    """
    INSERT INTO accounts_teammembership (id, organization_id, team_id, user_id, created_at)
    SELECT gen_random_uuid(), md5('organization' || n)::uuid, md5(part || 'team' || n)::uuid, md5(part || n)::uuid,
        now()
    FROM generate_series(%(first)s, %(last)s) AS n CROSS JOIN unnest('{contact,member}'::text[]) AS part
    """,
    """
    INSERT INTO accounts_roleassignment (
        id, organization_id, user_id, role_name, entity_type_name, entity_region, created_at
    )
    SELECT gen_random_uuid(), md5('organization' || n)::uuid, md5('member' || n)::uuid, 'Viewer', 'Control Planes',
        '*', now()
    FROM generate_series(%(first)s, %(last)s) AS n
    """,
    """
    INSERT INTO accounts_accesstoken (
        id, organization_id, user_id, name, digest, created_at, updated_at, expires_at
    )
    SELECT gen_random_uuid(), md5('organization' || n)::uuid, md5('contact' || n)::uuid, 'deploy',
        sha256(n::text::bytea), now(), now(), now() + interval '100 days'
    FROM generate_series(%(first)s, %(last)s) AS n
    """,
    """
    INSERT INTO geos_controlplane (
        id, organization_id, geo_id, kind, name, description, labels, auth_type, proxy_urls, configuration_version,
        created_at, updated_at, state, attempts, last_error
    )
    SELECT gen_random_uuid(), md5('organization' || n)::uuid, 'us', 'gateway', 'default', '', '{}',
        'pinned_client_certs', '[]', 1, now() - interval '400 days', now(), 'active', 0, ''
    FROM generate_series(%(first)s, %(last)s) AS n
    """,
    """
    INSERT INTO licensing_license (id, organization_id, product, issued_at, expires_at, key_id, document)
    SELECT gen_random_uuid(), md5('organization' || n)::uuid, product, now(), now() + interval '365 days', '', ''
    FROM generate_series(%(first)s, %(last)s) AS n CROSS JOIN unnest('{gateway,kic,mesh}'::text[]) AS product
    """,
    """
    INSERT INTO billing_geousage (geo, complete_through, told_through, open_faults, reported_at)
    VALUES ('us', now(), now(), 0, now())
    """,
)

STATEMENT = """
WITH ended AS (
    UPDATE accounts_organization AS organization SET state = 'inactive', deactivated_at = now(), updated_at = now(),
        deactivation_reason = 'inactivity', deactivation_event_id = gen_random_uuid(), inactive_at = NULL,
        purge_at = now() + %(retention)s * interval '1 day'
    FROM unnest(%(ids)s::uuid[], %(hashes)s::text[]) AS told (id, hash)
    WHERE organization.id = told.id AND state = 'active'
    RETURNING organization.id, name, owner_id, contact_email, deactivation_event_id AS event_id, hash
), teams AS (
    DELETE FROM accounts_teammembership AS gone USING ended WHERE gone.organization_id = ended.id
    RETURNING event_id, gone.id, user_id, team_id
), roles AS (
    DELETE FROM accounts_roleassignment AS gone USING ended WHERE gone.organization_id = ended.id
    RETURNING event_id, gone.id, user_id, role_name, entity_type_name, entity_id, entity_region
), tokens AS (
    UPDATE accounts_accesstoken AS token SET revoked_at = now(), deactivation_event_id = event_id
    FROM ended WHERE token.organization_id = ended.id AND revoked_at IS NULL RETURNING event_id, token.id
), control_planes AS (
    UPDATE geos_controlplane AS control_plane SET state = 'decommissioning', decommission_requested_at = now(),
        begins_at = now() + interval '72 hours', next_attempt_at = now() + interval '72 hours', updated_at = now()
    FROM ended WHERE control_plane.organization_id = ended.id AND state = 'active' RETURNING event_id, control_plane.id
), licenses AS (
    UPDATE licensing_license AS license SET lapsed_at = now()
    FROM ended WHERE license.organization_id = ended.id AND lapsed_at IS NULL AND replaced_at IS NULL
    RETURNING event_id, license.id
), locks AS (
    INSERT INTO accounts_emaillock (id, organization_id, address_hash, address, locked_at, locked_event_id)
    SELECT gen_random_uuid(), id, hash, contact_email, now(), event_id FROM ended
), events AS (
    INSERT INTO accounts_lifecycleevent (id, organization_id, act, at, via, reason, note, ticket, proof, details)
    SELECT event_id, id, 'deactivated', now(), 'check', 'inactivity', '', '', '', jsonb_build_object(
        'team_memberships', (SELECT jsonb_agg(teams.id) FROM teams WHERE teams.event_id = ended.event_id),
        'role_assignments', (SELECT jsonb_agg(roles.id) FROM roles WHERE roles.event_id = ended.event_id),
        'tokens', (SELECT jsonb_agg(tokens.id) FROM tokens WHERE tokens.event_id = ended.event_id),
        'control_planes', (SELECT jsonb_agg(each.id) FROM control_planes AS each WHERE each.event_id = ended.event_id),
        'licenses', (SELECT jsonb_agg(licenses.id) FROM licenses WHERE licenses.event_id = ended.event_id)
    ) FROM ended
), had AS (
    SELECT event_id, user_id, jsonb_build_object('teams', jsonb_agg(team_id)) AS had
    FROM teams GROUP BY event_id, user_id
), mails AS (
    INSERT INTO post_office_email (
        from_email, "to", cc, bcc, subject, message, html_message, status, priority, created, last_updated,
        scheduled_time, number_of_retries, message_id, context, backend_alias
    )
    SELECT %(sender)s, email, '', '', name || ' was deactivated', '', '', 2, 2, now(), now(), now(),
        0, '<' || event_id || '@localhost>', jsonb_build_object('organization_name', name, 'purge_at', now()::text), ''
    FROM ended JOIN accounts_user ON accounts_user.id = owner_id
    RETURNING id, message_id
), told AS (
    INSERT INTO foundation_mail (id, email_id, kind, organization_id, event_id, person_id)
    SELECT gen_random_uuid(), mails.id, 'organization_deactivated', ended.id, event_id, owner_id
    FROM mails JOIN ended ON message_id = '<' || event_id || '@localhost>'
)
INSERT INTO accounts_eventsubject (event_id, part, subject_id, name, address, had)
SELECT event_id, 'member', user_id, full_name, email, had || jsonb_build_object('roles', (
    SELECT coalesce(jsonb_agg(to_jsonb(roles)), '[]') FROM roles
    WHERE roles.event_id = had.event_id AND roles.user_id = had.user_id
)) FROM had JOIN accounts_user ON accounts_user.id = user_id
UNION ALL SELECT event_id, 'owner', owner_id, full_name, email, '{}'
FROM ended JOIN accounts_user ON accounts_user.id = owner_id
UNION ALL SELECT event_id, 'contact', NULL, '', contact_email, '{}' FROM ended
"""

LEFT = """
SELECT DISTINCT state, deactivation_reason, purge_at - deactivated_at = %s * interval '1 day',
    (SELECT count(*) FROM accounts_teammembership WHERE organization_id = organization.id),
    (SELECT count(*) FROM accounts_roleassignment WHERE organization_id = organization.id),
    (SELECT count(*) FROM accounts_accesstoken WHERE organization_id = organization.id AND revoked_at IS NULL),
    (SELECT count(*) FROM geos_controlplane WHERE organization_id = organization.id AND state = 'active'),
    (SELECT count(*) FROM licensing_license WHERE organization_id = organization.id AND lapsed_at IS NULL),
    (SELECT count(*) FROM accounts_emaillock WHERE organization_id = organization.id),
    (SELECT count(*) FROM accounts_lifecycleevent WHERE organization_id = organization.id),
    (SELECT count(*) FROM accounts_eventsubject WHERE event_id = organization.deactivation_event_id),
    (SELECT count(*) FROM foundation_mail WHERE event_id = organization.deactivation_event_id)
FROM accounts_organization AS organization WHERE id = ANY(%s)
"""
"""What is left of each, where all were alike: one row."""


def run(organizations: int) -> list[Case]:
    fill(1, organizations, due=organizations, statements=WORLD)
    ids = list(Organization.objects.order_by("pk").values_list("pk", flat=True))
    alone = min(ONE_BY_ONE, organizations // 4 + 1)
    half = (organizations - alone) // 2
    ways: dict[str, list[UUID]] = {
        "loop": ids[:alone],
        "sets": ids[alone : alone + half],
        "statement": ids[alone + half :],
    }
    seconds = _deactivate(ways)
    left = {way: _left(some) for way, some in ways.items()}
    same("The sets", left["statement"], left["sets"])
    same("The loop", left["statement"], left["loop"])
    floor = Case("one statement written by hand", len(ways["statement"]), seconds["statement"])
    rival = Case("one by one", len(ways["loop"]), seconds["loop"])
    sets = Case(
        f"in sets of {SET_SIZE}",
        len(ways["sets"]),
        seconds["sets"],
        floor=floor.per_second,
        rival=rival.per_second,
        least_of_floor=0.35,
        least_of_rival=15,
    )
    return [floor, rival, sets]


def _deactivate(ways: dict[str, list[UUID]]) -> dict[str, float]:
    watch = Watch()
    for some, others in zip(batched(ways["sets"], SET_SIZE), batched(ways["statement"], SET_SIZE), strict=False):
        watch.time("sets", _in_a_set, some)
        watch.time("statement", _by_statement, others)
    for id in ways["loop"]:
        watch.time("loop", _in_a_set, [id])
    return watch.seconds


def _in_a_set(ids: list[UUID]) -> None:
    deactivate_organizations(ids, reason=Reason.INACTIVITY, via=Via.CHECK, still=_are_due)


def _are_due(organizations: Collection[Organization]) -> set[UUID]:
    """As the check asks, but for notices, of which this world has none."""
    question = inactivity.ask(notices=False)
    return {standing.id for standing in inactivity.standings(organizations, question) if standing.may_go}


@transaction.atomic
def _by_statement(ids: list[UUID]) -> None:
    addresses = Organization.objects.filter(pk__in=ids).values_list("pk", "contact_email")
    hashes = {id: address_hash(address) for id, address in addresses}
    told = {
        "ids": list(hashes),
        "hashes": list(hashes.values()),
        "retention": settings.RETENTION_DAYS,
        "sender": settings.DEFAULT_FROM_EMAIL,
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, told)


def _left(ids: list[UUID]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(LEFT, [settings.RETENTION_DAYS, ids])
        return cursor.fetchall()
