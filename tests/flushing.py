"""How a test that commits leaves the database as it found it: append-only tables emptied, migrations' rows kept."""

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from psycopg import sql

from billing.models import Price, PriceList
from geos.models import Geo

MADE_BY_MIGRATIONS = {model._meta.db_table for model in (ContentType, Permission, Group, Geo, PriceList, Price)} | {
    Group.permissions.through._meta.db_table
}
NO_MODEL = {"cache"}


def empty_tables(test_case) -> None:
    """Delete every row that tests may have made, in place of Django's flush after a test that commits.

    As a replica no trigger speaks up: neither those of append-only tables (P47) nor those of foreign keys, so that
    order does not matter. On small tables DELETE is many times faster than TRUNCATE.
    """
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
    deletes = [
        sql.SQL("DELETE FROM {}").format(sql.Identifier(table))
        for table in sorted((tables | NO_MODEL) - MADE_BY_MIGRATIONS)
    ]
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql.SQL("; ").join(deletes))
        cursor.execute("SET session_replication_role = DEFAULT")
