"""The Django application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ClassTasksConfig(AppConfig):
    """Add ``"django_q.contrib.class_tasks"`` to INSTALLED_APPS."""

    name = "django_q.contrib.class_tasks"
    label = "django_q_class_tasks"
    verbose_name = _("Class tasks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and let the cluster's commands start a runner beside it."""
        from django_q.contrib.class_tasks import checks
        from django_q.management import beside

        checks.register_all()
        beside.register("runner", "qrunner", is_wanted="django_q.contrib.class_tasks.registry.has_tasks")
