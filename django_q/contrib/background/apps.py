"""The Django application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BackgroundConfig(AppConfig):
    """Add ``"django_q.contrib.background"`` to INSTALLED_APPS, and ``"django.contrib.contenttypes"`` if it is not."""

    name = "django_q.contrib.background"
    label = "django_q_background"
    verbose_name = _("Background tasks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to the cluster, and let people move in."""
        from django_q import signals
        from django_q.contrib.background import receivers
        from django_q.management.moving import sources

        signals.attempts_recorded.connect(receivers.on_attempts_recorded, dispatch_uid="django_q_background.recorded")
        signals.history_pruned.connect(receivers.sweep, dispatch_uid="django_q_background.sweep")
        sources.register("background_task", "django_q.contrib.background.moving.move.FromBackgroundTasks")
