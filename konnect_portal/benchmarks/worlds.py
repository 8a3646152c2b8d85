"""Organizations by the million, written by the database itself."""

from collections.abc import Generator
from contextlib import contextmanager

from django.db import connection

from accounts.models import User

NUMBERED = """(
    SELECT n, md5('organization' || n)::uuid AS id FROM generate_series(%(first)s, %(last)s) AS n
    ORDER BY CASE WHEN %(by_id)s THEN md5('organization' || n) END, n
) AS numbered"""

ORGANIZATIONS = f"""
INSERT INTO accounts_organization (
    id, name, contact_email, owner_id, state, created_at, updated_at, last_login_at, inactive_at,
    deactivation_reason, hold_reason, hold_ticket, import_digest
)
SELECT id, 'Organization ' || n, 'contact' || n || '@example.com',
    coalesce(%(owner)s, md5('contact' || n)::uuid), 'active',
    now() - interval '400 days', now(), moment - interval '30 days', moment, '', '', '', ''
FROM {NUMBERED},
    LATERAL (
        SELECT now() + CASE WHEN n <= %(due)s THEN -1 ELSE 1 END * (n %% 40000 + 60) * interval '1 minute'
    ) AS at (moment)
"""  # noqa: S608 -- put together from our own words
"""The first of them are due; the others will be in the next four weeks."""

BILLING_ACCOUNTS = f"""
INSERT INTO billing_billingaccount (organization_id, anchor_at, customer_reference)
SELECT id, now() - interval '400 days', '' FROM {NUMBERED}
"""  # noqa: S608 -- put together from our own words

INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = ANY(%s) AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""


def fill(
    first: int,
    last: int,
    *,
    due: int,
    statements: tuple[str, ...] = (),
    owners: bool = False,
    by_id: bool = False,
) -> None:
    """Write the organizations numbered `first` to `last`, those up to `due` due, and what `statements` add to each.

    One person owns them all, or where `statements` bring `owners`, each has the one of its contact. Millions are
    written faster `by_id`: keys that follow each other come to lie on the same page.
    As a replica, so that no trigger asks for each row whether what it points to is there.
    """
    owner = None if owners else User.objects.get_or_create(email="owner@example.com")[0].pk
    numbers = {"first": first, "last": last, "due": due, "owner": owner, "by_id": by_id}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in (ORGANIZATIONS, BILLING_ACCOUNTS, *statements):
            cursor.execute(statement, numbers)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")


@contextmanager
def without_indexes(*tables: str) -> Generator[None]:
    """Fill these tables, and their indexes are made anew afterwards: row by row that would take longest.

    Those that a constraint stands on stay.
    """
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [list(tables)])
        definitions = dict(cursor.fetchall())
        for name in definitions:
            cursor.execute(f"DROP INDEX {name}")
        yield
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for definition in definitions.values():
            cursor.execute(definition)
        cursor.execute("RESET maintenance_work_mem")
        cursor.execute("VACUUM ANALYZE")  # of what an index is on, too, where that is no column
