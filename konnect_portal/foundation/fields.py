"""Column types and expressions that more than one floor uses."""

import uuid

from django.db import models


def uuid_key() -> models.UUIDField:
    return models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)


def composite_key(
    table: str, columns: str, target: str, target_columns: str = "organization_id, id"
) -> tuple[str, str]:
    """SQL and its reverse for a foreign key over two columns, so that a row can't point into another organization."""
    name = f"{table}_{columns.split(', ')[-1]}_same_organization"
    return (
        f"""ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({columns})
            REFERENCES {target} ({target_columns}) DEFERRABLE INITIALLY DEFERRED""",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )
