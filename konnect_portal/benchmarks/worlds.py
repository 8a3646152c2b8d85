"""Organizations by the million, written by the database itself."""

from django.db import connection

from accounts.models import User

ORGANIZATIONS = """
INSERT INTO accounts_organization (
    id, name, contact_email, owner_id, state, created_at, updated_at, last_login_at, inactive_at,
    deactivation_reason, hold_reason, hold_ticket, import_digest
)
SELECT md5('organization' || n)::uuid, 'Organization ' || n, 'contact' || n || '@example.com',
    coalesce(%(owner)s, md5('contact' || n)::uuid), 'active',
    now() - interval '400 days', now(), moment - interval '30 days', moment, '', '', '', ''
FROM generate_series(%(first)s, %(last)s) AS n,
    LATERAL (
        SELECT now() + CASE WHEN n <= %(due)s THEN -1 ELSE 1 END * (n %% 40000 + 60) * interval '1 minute'
    ) AS at (moment)
"""
"""The first of them are due; the others will be in the next four weeks."""

BILLING_ACCOUNTS = """
INSERT INTO billing_billingaccount (organization_id, anchor_at, customer_reference)
SELECT md5('organization' || n)::uuid, now() - interval '400 days', ''
FROM generate_series(%(first)s, %(last)s) AS n
"""


def fill(first: int, last: int, *, due: int, statements: tuple[str, ...] = (), owners: bool = False) -> None:
    """Write the organizations numbered `first` to `last`, those up to `due` due, and what `statements` add to each.

    One person owns them all, or where `statements` bring `owners`, each has the one of its contact.
    As a replica, so that no trigger asks for each row whether what it points to is there.
    """
    owner = None if owners else User.objects.get_or_create(email="owner@example.com")[0].pk
    numbers = {"first": first, "last": last, "due": due, "owner": owner}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in (ORGANIZATIONS, BILLING_ACCOUNTS, *statements):
            cursor.execute(statement, numbers)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
