"""The settings of a project that describes its REST API with drf-spectacular."""

from django_q_tests.settings.sqlite import *  # noqa: F403
from django_q_tests.settings.sqlite import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework", "drf_spectacular"]
REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
ROOT_URLCONF = "django_q.contrib.user_tasks.urls"
