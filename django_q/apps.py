"""The Django application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DjangoQConfig(AppConfig):
    """Add ``"django_q"`` to INSTALLED_APPS."""

    name = "django_q"
    label = "django_q"
    verbose_name = _("Django Q")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_q import checks

        checks.register()
