"""The Django application."""

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

_KINDS = "django.contrib.contenttypes"


class BackgroundConfig(AppConfig):
    """Add ``"django_q.contrib.background"`` to INSTALLED_APPS, and ``"django.contrib.contenttypes"`` if it is not."""

    name = "django_q.contrib.background"
    label = "django_q_background"
    verbose_name = _("Background tasks")
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        """Import the models. Raises ``ImproperlyConfigured`` where those are missing that ours refer to."""
        if self.apps is not None and not self.apps.is_installed(_KINDS):
            raise ImproperlyConfigured(
                f"Background tasks refer to their creators by their types. Add {_KINDS!r} to INSTALLED_APPS, and run: "
                "manage.py migrate"
            )
        super().import_models()

    def ready(self) -> None:
        """Listen to the cluster, register the system checks, and let people move in."""
        from django_q import signals
        from django_q.contrib.background import calls, checks, receivers
        from django_q.management.moving import sources

        checks.register()

        signals.connect_marked(calls.MARK, receivers.on_attempts_recorded)
        signals.history_pruned.connect(receivers.sweep, dispatch_uid="django_q_background.sweep")
        sources.register("background_task", "django_q.contrib.background.moving.move.FromBackgroundTasks")
