from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_q", "0005_moved"),
    ]

    operations = [
        migrations.CreateModel(
            name="Progress",
            fields=[
                ("id", models.CharField(max_length=32, primary_key=True, serialize=False, verbose_name="task")),
                ("done", models.FloatField(verbose_name="done")),
                ("total", models.FloatField(null=True, verbose_name="total")),
                ("message", models.CharField(blank=True, default="", max_length=255, verbose_name="message")),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
            ],
            options={
                "verbose_name": "progress of a task",
                "verbose_name_plural": "progress of tasks",
                "db_table": "django_q_progress",
                "default_permissions": (),
            },
        ),
    ]
