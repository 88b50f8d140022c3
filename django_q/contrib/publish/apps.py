"""The Django application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PublishConfig(AppConfig):
    """Add ``"django_q.contrib.publish"`` to INSTALLED_APPS."""

    name = "django_q.contrib.publish"
    label = "django_q_publish"
    verbose_name = _("Live tasks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to the cluster."""
        from django_q import signals
        from django_q.contrib.publish import checks, receivers, rows

        signals.connect_marked(rows.MARK, receivers.on_attempts_recorded)
        signals.history_pruned.connect(receivers.sweep, dispatch_uid="django_q_publish.sweep")
        checks.register_all()
