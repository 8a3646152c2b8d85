"""Tables that only grow: the database itself refuses UPDATE, DELETE and TRUNCATE."""

from django.db import migrations

FUNCTION = migrations.RunSQL(
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
    END $$
    """,
    "DROP FUNCTION refuse_change()",
)


def append_only(table: str) -> migrations.RunSQL:
    """A migration operation that makes `table` append-only (P47).

    TRUNCATE fires statement triggers alone. Tests that flush do so under `session_replication_role = replica`.
    """
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """,
        f"DROP TRIGGER {table}_append_only ON {table}",
    )
