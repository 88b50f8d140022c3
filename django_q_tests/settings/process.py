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
# Applications of a test's own. Class tasks are one of them: to find theirs, each process imports what all applications
# have in tasks.py, which takes a fifth of its start.
INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "django_q.contrib.class_tasks"]  # noqa: F405
INSTALLED_APPS += filter(None, os.environ.get("DJANGO_Q_TEST_APPS", "").split(","))
CLASS_TASKS = json.loads(os.environ.get("DJANGO_Q_TEST_CLASS_TASKS", "{}"))
