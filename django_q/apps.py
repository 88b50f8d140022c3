"""The Django application."""

from django.apps import AppConfig
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _


class DjangoQConfig(AppConfig):
    """Add ``"django_q"`` to INSTALLED_APPS."""

    name = "django_q"
    label = "django_q"
    verbose_name = _("Django Q")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_q import checks, conf

        checks.register()
        label = conf.raw().get("label")
        if isinstance(label, str):  # what else it may be, the checks refuse
            self.verbose_name = format_lazy("{}", label)
