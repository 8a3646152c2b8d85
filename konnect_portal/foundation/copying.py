"""New rows by COPY: of thousands a quarter of the time of `bulk_create`, which sends each column as an array."""

from collections.abc import Callable, Collection
from operator import attrgetter

from django.db import connection
from django.db.models import CharField, Field, ForeignKey, Model, TextField, UUIDField

AS_IT_IS = {CharField, ForeignKey, TextField, UUIDField}
"""What stands in a row of such a field goes to the database unchanged."""


def copy_in[Row: Model](rows: Collection[Row]) -> None:
    """Write new rows of one model. Keys that the database gives out must be `reserved`, or are not known here."""
    if not rows:
        return
    first = next(iter(rows))
    fields = [
        field
        for field in first._meta.concrete_fields
        if not field.db_returning or getattr(first, field.attname) is not None
    ]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = [_value_of(field) for field in fields]
    into = f'COPY "{first._meta.db_table}" ({columns}) FROM STDIN'
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row([value(row) for value in values])


def reserved(model: type[Model], number: int) -> list[int]:
    """So many keys of a model's sequence, which it gives to nobody else."""
    sequence = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
    with connection.cursor() as cursor:
        cursor.execute(sequence, [model._meta.db_table, model._meta.pk.column, number])
        return [key for (key,) in cursor.fetchall()]


def _value_of(field: Field) -> Callable[[Model], object]:
    if type(field) in AS_IT_IS:
        return attrgetter(field.attname)
    return lambda row: field.get_db_prep_save(field.pre_save(row, True), connection)
