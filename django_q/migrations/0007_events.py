from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_q", "0006_progress"),
    ]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stream", models.CharField(max_length=200, verbose_name="stream")),
                (
                    "run",
                    models.PositiveIntegerField(
                        help_text="1 for the first; each attempt is a run of its own.", verbose_name="run"
                    ),
                ),
                ("seq", models.PositiveBigIntegerField(verbose_name="number")),
                ("kind", models.CharField(max_length=100, verbose_name="kind")),
                ("payload", models.TextField(blank=True, default="", help_text="JSON", verbose_name="payload")),
                ("created", models.DateTimeField(verbose_name="created")),
            ],
            options={
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "db_table": "django_q_event",
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("stream", "run", "seq"), name="django_q_event_place")],
            },
        ),
    ]
