"""Settings of clusters that run experiments: devices, mail server and waits come from the environment."""

import json
import os

import django

from django_q_tests.settings.process import *  # noqa: F403
from django_q_tests.settings.process import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "django_q_tests.support.watching.WatchingConfig"]
ROOT_URLCONF = "django_q.examples.project.urls"
EXPERIMENTEDITOR = json.loads(os.environ["DJANGO_Q_TEST_EXPERIMENTEDITOR"])

_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_HOST, _PORT = "127.0.0.1", int(os.environ["DJANGO_Q_TEST_SMTP_PORT"])
_TIMEOUT = float(os.environ.get("DJANGO_Q_TEST_SMTP_TIMEOUT", "10"))
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": _SMTP, "OPTIONS": {"host": _HOST, "port": _PORT, "timeout": _TIMEOUT}}}
else:
    EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT, EMAIL_TIMEOUT = _SMTP, _HOST, _PORT, _TIMEOUT
