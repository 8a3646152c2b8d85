"""A customer can wish that support names another owner (P73); nothing changes in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_staff_groups")]

    operations = [
        migrations.AlterField(
            "supportrequest",
            "wish",
            models.CharField(
                choices=[
                    ("deactivate", "Deactivate"),
                    ("reactivate", "Reactivate"),
                    ("unlock", "Unlock the address of"),
                    ("name_owner", "Name another owner of"),
                    ("other", "Help with"),
                ],
                max_length=20,
            ),
        ),
    ]
