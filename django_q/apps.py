"""The Django application."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _


def _tell_clusters(**kwargs: Any) -> None:
    """Tell the clusters on this host of a schedule that was stored, however that was done."""
    from django_q.tasks.schedules import tell_clusters

    tell_clusters()


class DjangoQConfig(AppConfig):
    """Add ``"django_q"`` to INSTALLED_APPS."""

    name = "django_q"
    label = "django_q"
    verbose_name = _("Django Q")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_q import checks, conf
        from django_q.kernel import logs

        logs.serve_old_logger()
        checks.register()
        post_save.connect(_tell_clusters, sender=self.get_model("Schedule"), dispatch_uid="django_q.schedules")
        label = conf.raw().get("label")
        if isinstance(label, str):  # what else it may be, the checks refuse
            self.verbose_name = format_lazy("{}", label)
