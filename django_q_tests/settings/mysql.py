"""The suite on MySQL or MariaDB."""

from django_q_tests.settings.base import *  # noqa: F403
from django_q_tests.support import databases

DATABASES = {"default": databases.settings_for("mysql")}
