"""The six geos of P10."""

from django.db import migrations

GEOS = [
    ("us", "United States", False),
    ("eu", "Europe", False),
    ("au", "Australia", False),
    ("me", "Middle East", False),
    ("in", "India", False),
    ("sg", "Singapore", True),
]


def open_geos(apps, schema_editor):
    Geo = apps.get_model("geos", "Geo")
    for position, (code, name, is_opt_in) in enumerate(GEOS):
        Geo.objects.create(code=code, name=name, is_opt_in=is_opt_in, position=position)


def close_geos(apps, schema_editor):
    apps.get_model("geos", "Geo").objects.filter(code__in=[code for code, _, _ in GEOS]).delete()


class Migration(migrations.Migration):
    dependencies = [("geos", "0001_initial")]

    operations = [migrations.RunPython(open_geos, close_geos)]
