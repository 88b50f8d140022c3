"""The application that watches tasks for the sake of a test; see steps.py."""

from django.apps import AppConfig


class WatchingConfig(AppConfig):
    """Watches the tasks of this process and of those that it forks."""

    name = "django_q_tests.support.watching"
    label = "django_q_test_watching"

    def ready(self) -> None:
        from django_q_tests.support import steps

        steps.watch()
