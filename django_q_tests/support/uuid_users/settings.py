"""The settings of such a project."""

from django_q_tests.settings.base import *  # noqa: F403
from django_q_tests.settings.base import INSTALLED_APPS

AUTH_USER_MODEL = "uuid_users.User"
INSTALLED_APPS = [*INSTALLED_APPS, "django_q_tests.support.uuid_users"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
