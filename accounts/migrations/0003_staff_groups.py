"""The four staff groups of P70; what each may do stands in accounts/staff.py."""

from django.db import migrations

TIERS = ("viewer", "agent", "lead", "administrator")


def make_groups(apps, schema_editor):
    for tier in TIERS:
        apps.get_model("auth", "Group").objects.get_or_create(name=tier)


def remove_groups(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=TIERS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_guards"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(make_groups, remove_groups)]
