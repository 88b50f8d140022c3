"""Settings of the demonstration; copy what you like, but not the secret key.

The environment says where its data lie (DJANGO_Q_DEMO_DIR) and where the devices of the experiment editor are
(DJANGO_Q_DEMO_DEVICES).
"""

import os
import sys
from pathlib import Path

import django

BASE = Path(os.environ.get("DJANGO_Q_DEMO_DIR", ".demo")).resolve()
BASE.mkdir(parents=True, exist_ok=True)

# The snippets call each other by the short names `tasks` and `hooks`, as modules beside manage.py would.
SNIPPETS = str(Path(__file__).resolve().parent.parent / "snippets")
if SNIPPETS not in sys.path:
    sys.path.insert(0, SNIPPETS)  # before the directory of whoever started the demonstration

DEBUG = os.environ.get("DJANGO_Q_DEMO_DEBUG", "1") == "1"
SECRET_KEY = "for the demonstration only: whoever knows this key can run code on your workers"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "django_q.contrib.background",
    "django_q.examples.experimenteditor",
    "django_q.examples.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "django_q.examples.project.urls"
WSGI_APPLICATION = "django_q.examples.project.wsgi.application"
ASGI_APPLICATION = "django_q.examples.project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).resolve().parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE / "demo.sqlite3",
        # A site and a cluster write at the same time: readers do not wait, writers queue up instead of failing.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "timeout": 20,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Most tasks of the demonstration sleep, hence more workers than it takes processors.
Q_CLUSTER = {"name": "demo", "workers": 4, "timeout": 120, "grace": 3, "doorbell": str(BASE / "bells")}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "one line": {
            "()": "django_q.examples.project.logs.OneLine",
            "format": "%(asctime)s [Q] %(levelname)s %(message)s",
            "datefmt": "%H:%M:%S",
        }
    },
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "one line"}},
    "loggers": {"django_q": {"handlers": ["lines"], "level": "INFO", "propagate": False}},
}

# Real experiments get half a minute to prepare and as long to be collected; nobody wants to watch that.
DEVICES = os.environ.get("DJANGO_Q_DEMO_DEVICES", "http://127.0.0.1:8022")
EXPERIMENTEDITOR = {
    "ENGINEBEAGLEBONEIP": f"{DEVICES}/api/postexperiment/",
    "LOGGERIP": f"{DEVICES}/log/api/getExperiment/{{expname}}/plotdata/axlebasedvehiclespeed/",
    "GOVIP": f"{DEVICES}/log/api/getExperiment/{{expname}}/plotdata/govspeed/",
    "VINIP": f"{DEVICES}/log/api/getExperiment/{{expname}}/plotdata/vin/",
    "FULLLOGIP": f"{DEVICES}/log/api/getExperiment/{{expname}}/{{chunkidx}}/",
    "LEAD": 3,
    "MARGIN": 1,
    "MAIL_DELAY": 1,
    "FETCH_DELAY": 1,
    "RETRY_DELAY": 1,
}

# Mails become files. Django 6.1 has a new name for the setting.
MAILS = BASE / "mails"
if django.VERSION >= (6, 1):
    MAILERS = {
        "default": {"BACKEND": "django.core.mail.backends.filebased.EmailBackend", "OPTIONS": {"file_path": MAILS}}
    }
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = MAILS
DEFAULT_FROM_EMAIL = "laboratory@example.com"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "start"
LOGOUT_REDIRECT_URL = "login"
