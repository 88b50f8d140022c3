"""The Django application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UserTasksConfig(AppConfig):
    """Add ``"django_q.contrib.user_tasks"`` to INSTALLED_APPS."""

    name = "django_q.contrib.user_tasks"
    label = "django_q_user_tasks"
    verbose_name = _("User tasks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to the cluster and to the deletion of artifacts, and let people move in."""
        from django.db.models.signals import post_delete

        from django_q import signals
        from django_q.contrib.user_tasks import checks, receivers, rows
        from django_q.contrib.user_tasks.models import UserTaskArtifact
        from django_q.management.moving import sources

        signals.connect_marked(rows.MARK, receivers.on_attempts_recorded)
        signals.history_pruned.connect(receivers.sweep, dispatch_uid="django_q_user_tasks.sweep")
        post_delete.connect(
            receivers.on_artifact_deleted, sender=UserTaskArtifact, dispatch_uid="django_q_user_tasks.files"
        )
        checks.register_all()
        sources.register("user_tasks", "django_q.contrib.user_tasks.moving.move.FromUserTasks")
