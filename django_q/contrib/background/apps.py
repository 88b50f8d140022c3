"""The Django application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BackgroundConfig(AppConfig):
    """Add ``"django_q.contrib.background"`` to INSTALLED_APPS."""

    name = "django_q.contrib.background"
    label = "django_q_background"
    verbose_name = _("Background tasks")
    default_auto_field = "django.db.models.BigAutoField"
