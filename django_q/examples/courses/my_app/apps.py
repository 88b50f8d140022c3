"""The Django application."""

from django.apps import AppConfig


class MyAppConfig(AppConfig):
    """Add ``"my_app"`` to INSTALLED_APPS."""

    name = "my_app"
    default_auto_field = "django.db.models.BigAutoField"
