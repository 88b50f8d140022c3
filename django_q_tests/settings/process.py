"""Settings of the processes that a test starts: database and cluster come from the environment."""

import json
import os

from django_q_tests.settings.base import *  # noqa: F403
from django_q_tests.support import databases

DEBUG = os.environ.get("DJANGO_Q_TEST_DEBUG") == "1"
DATABASES = {"default": databases.from_url(os.environ["DJANGO_Q_TEST_DATABASE_URL"])}
Q_CLUSTER = json.loads(os.environ.get("DJANGO_Q_TEST_CLUSTER", "{}"))
# The whole process suite runs once for each way to start a process; a test that is about one of them says so itself.
if os.environ.get("DJANGO_Q_TEST_START_METHOD"):
    Q_CLUSTER.setdefault("start_method", os.environ["DJANGO_Q_TEST_START_METHOD"])
# Applications of a test's own.
INSTALLED_APPS += filter(None, os.environ.get("DJANGO_Q_TEST_APPS", "").split(","))  # noqa: F405
