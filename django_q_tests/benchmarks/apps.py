"""Counts the statements of every process that has this application installed."""

from django.apps import AppConfig

from django_q_tests.benchmarks import counting


class BenchmarksConfig(AppConfig):
    """The application of the benchmarks: no models, one receiver."""

    name = "django_q_tests.benchmarks"
    label = "benchmarks"

    def ready(self) -> None:
        counting.install()
