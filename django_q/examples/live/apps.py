"""The Django application."""

from django.apps import AppConfig


class LiveConfig(AppConfig):
    """Add ``"django_q.examples.live"`` to INSTALLED_APPS."""

    name = "django_q.examples.live"
    label = "django_q_live_example"
