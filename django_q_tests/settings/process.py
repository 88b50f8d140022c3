"""Settings of the processes that a test starts: database and cluster come from the environment."""

import json
import os

from django_q_tests.settings.base import *  # noqa: F403
from django_q_tests.support import databases

DATABASES = {"default": databases.from_url(os.environ["DJANGO_Q_TEST_DATABASE_URL"])}
Q_CLUSTER = json.loads(os.environ.get("DJANGO_Q_TEST_CLUSTER", "{}"))
