"""The first version of the price list. Later ones are added by `manage.py add_price_list`; this one stays."""

from datetime import UTC, datetime

from django.db import migrations

VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
HOURS_OF_A_CYCLE = 720
PRICES = [
    # metric, above, per, cents
    ("gateway_services", 0, HOURS_OF_A_CYCLE, 10_500),
    ("api_requests", 0, 1_000_000, 0),
    ("api_requests", 1_000_000, 1_000_000, 20_000),
    ("api_requests", 10_000_000, 1_000_000, 15_000),
    ("dev_portals", 0, HOURS_OF_A_CYCLE, 0),
    ("dev_portals", 2 * HOURS_OF_A_CYCLE, HOURS_OF_A_CYCLE, 2_000),
]


def add(apps, schema_editor):
    price_list = apps.get_model("billing", "PriceList").objects.create(valid_from=VALID_FROM)
    price = apps.get_model("billing", "Price")
    price.objects.bulk_create(
        price(price_list=price_list, metric=metric, above=above, per=per, cents=cents)
        for metric, above, per, cents in PRICES
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_guards")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
