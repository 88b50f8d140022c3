"""The Django application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UserTasksConfig(AppConfig):
    """Add ``"django_q.contrib.user_tasks"`` to INSTALLED_APPS."""

    name = "django_q.contrib.user_tasks"
    label = "django_q_user_tasks"
    verbose_name = _("User tasks")
    default_auto_field = "django.db.models.BigAutoField"
