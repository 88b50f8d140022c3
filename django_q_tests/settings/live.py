"""Settings of the processes of a site with a live task: its web server and its cluster."""

import json
import os
import sys
from pathlib import Path

import django_q
from django_q_tests.settings.process import *  # noqa: F403

# The modules `tasks` and `views` are beside manage.py.
sys.path.insert(0, str(Path(django_q.__file__).parent / "examples" / "live"))

ROOT_URLCONF = "django_q.examples.live.urls"
INSTALLED_APPS += ["django_q.examples.live", "django_q_tests.support.paced.PacedConfig"]  # noqa: F405
MIDDLEWARE = [  # noqa: F405
    "django_q_tests.support.browser.StrictPolicy",
    *MIDDLEWARE,  # noqa: F405
    "django_q.middleware.TaskUserMiddleware",
]
PUBLISH = json.loads(os.environ.get("DJANGO_Q_TEST_PUBLISH", "{}"))
