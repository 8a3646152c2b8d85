"""What customers' sign-in keeps: sessions by person, passwords had before, an address asked for."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_staff_groups"),
    ]

    operations = [
        migrations.AlterField(
            model_name="eventsubject",
            name="part",
            field=models.CharField(
                choices=[
                    ("actor", "Actor"),
                    ("owner", "Owner"),
                    ("contact", "Contact"),
                    ("member", "Member"),
                    ("system", "system account"),
                    ("staff", "Staff"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="lifecycleevent",
            name="act",
            field=models.CharField(
                choices=[
                    ("deactivated", "Deactivated"),
                    ("reactivated", "Reactivated"),
                    ("email_unlocked", "E-mail address unlocked"),
                    ("take_down_hastened", "Taking down hastened"),
                    ("second_factor_reset", "Second factor of staff reset"),
                ],
                max_length=30,
            ),
        ),
        migrations.CreateModel(
            name="AddressChange",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("email", models.CharField(max_length=250)),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="address_change",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PasswordHistory",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("password", models.CharField(max_length=128)),
                ("set_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="password_history",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "password history",
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("user_id", models.UUIDField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("user_id__isnull", False)), fields=["user_id"], name="session_of_person"
                    )
                ],
            },
        ),
    ]
