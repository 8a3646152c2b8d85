"""Organizations by the million, written by the database itself."""

from django.db import connection

from accounts.models import User

ORGANIZATIONS = """
INSERT INTO accounts_organization (
    id, name, contact_email, owner_id, state, created_at, updated_at, last_login_at, inactive_at,
    deactivation_reason, hold_reason, hold_ticket, import_digest
)
SELECT md5('organization' || n)::uuid, 'Organization ' || n, 'contact' || n || '@example.com', %(owner)s, 'active',
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


def fill(first: int, last: int, *, due: int, statements: tuple[str, ...] = ()) -> None:
    """Write the organizations numbered `first` to `last`, those up to `due` due, and what `statements` add to each.

    As a replica, so that no trigger asks for each row whether what it points to is there.
    """
    owner, _ = User.objects.get_or_create(email="owner@example.com")
    numbers = {"first": first, "last": last, "due": due, "owner": owner.pk}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in (ORGANIZATIONS, BILLING_ACCOUNTS, *statements):
            cursor.execute(statement, numbers)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
