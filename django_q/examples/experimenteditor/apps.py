"""The Django application."""

from django.apps import AppConfig
from django.core import checks


class ExperimentEditorConfig(AppConfig):
    """Add ``"django_q.examples.experimenteditor"`` to INSTALLED_APPS."""

    name = "django_q.examples.experimenteditor"
    label = "django_q_experimenteditor"
    verbose_name = "Experiment editor"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_q.examples.experimenteditor import receivers  # noqa: F401
        from django_q.examples.experimenteditor.checks import check_settings

        checks.register(check_settings, self.label)
