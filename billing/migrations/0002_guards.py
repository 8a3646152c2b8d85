"""What the database holds beyond Django's constraints: prices that stay, and invoices that stay once issued (P34)."""

from django.db import migrations

from konnect_portal.foundation.append_only import append_only

INVOICE_STAYS = migrations.RunSQL(
    """
    CREATE TRIGGER billing_invoice_stays BEFORE UPDATE OR DELETE ON billing_invoice
    FOR EACH ROW WHEN (OLD.issued_at IS NOT NULL) EXECUTE FUNCTION refuse_change()
    """,
    "DROP TRIGGER billing_invoice_stays ON billing_invoice",
)

LINES_STAY = migrations.RunSQL(
    """
    CREATE FUNCTION refuse_change_of_issued_lines() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM billing_invoice
            WHERE issued_at IS NOT NULL AND id IN (OLD.invoice_id, NEW.invoice_id)
        ) THEN
            RAISE EXCEPTION 'the lines of an issued invoice stay: % refused', TG_OP
            USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN COALESCE(NEW, OLD);
    END $$;
    CREATE TRIGGER billing_invoiceline_stays BEFORE INSERT OR UPDATE OR DELETE ON billing_invoiceline
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_issued_lines()
    """,
    """
    DROP TRIGGER billing_invoiceline_stays ON billing_invoiceline;
    DROP FUNCTION refuse_change_of_issued_lines()
    """,
)


def cleared_never(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {table}_cleared_never BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """,
        f"DROP TRIGGER {table}_cleared_never ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [
        append_only("billing_pricelist"),
        append_only("billing_price"),
        INVOICE_STAYS,
        LINES_STAY,
        cleared_never("billing_invoice"),
        cleared_never("billing_invoiceline"),
    ]
