"""Settings of the site of the courses in a server of its own."""

from django_q_tests.settings.process import *  # noqa: F403
from django_q_tests.settings.process import MIDDLEWARE as _MIDDLEWARE

ROOT_URLCONF = "my_app.urls"
LOGIN_URL = "login"
# The one that would hold a stream back.
MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *_MIDDLEWARE]
