from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_known_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="accesstoken",
            name="next_notice_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="accesstoken",
            index=models.Index(
                condition=models.Q(("next_notice_at__isnull", False)),
                fields=["next_notice_at"],
                name="token_notice_due",
            ),
        ),
        migrations.AddIndex(
            model_name="accesstoken",
            index=models.Index(fields=["organization", "user", "-created_at", "-id"], name="token_of_person"),
        ),
        migrations.AddIndex(
            model_name="accesstoken",
            index=models.Index(fields=["system_account", "-created_at", "-id"], name="token_of_system_account"),
        ),
    ]
