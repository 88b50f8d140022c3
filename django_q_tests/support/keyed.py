"""Settings of a process whose keys, and whether it is in debug mode, come from the environment."""

import json
import os

from django_q_tests.settings.process import *  # noqa: F403

SECRET_KEY, *SECRET_KEY_FALLBACKS = json.loads(os.environ["DJANGO_Q_TEST_KEYS"])
DEBUG = bool(os.environ.get("DJANGO_Q_TEST_DEBUG"))
