"""The suite on PostgreSQL."""

from django_q_tests.settings.base import *  # noqa: F403
from django_q_tests.support import databases

DATABASES = {"default": databases.settings_for("postgres")}
