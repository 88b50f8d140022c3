"""One project for either package: the database, the cluster and the cache's folder come from the environment."""

import json
import os

SECRET_KEY = "the same for both"
DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "acceptance_urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "acceptance_app",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
DATABASES = {"default": json.loads(os.environ["ACCEPTANCE_DATABASE"])}
FOLDER = os.environ["ACCEPTANCE_FOLDER"]
# Shared by all processes, since Django Q2 keeps its heartbeats there.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": f"{FOLDER}/cache"}}
Q_CLUSTER = {
    "name": "default",
    "orm": "default",
    "workers": 2,
    "timeout": 30,
    "retry": 60,
    "max_attempts": 1,
    "poll": 0.1,
    "save_limit": 0,
    "log_level": "WARNING",
    "ALT_CLUSTERS": {
        "short": {"timeout": 1, "retry": 20},
        "again": {"max_attempts": 2, "timeout": 2, "retry": 3, "backoff": 0.1},
        "acknowledged": {"max_attempts": 0, "ack_failures": True, "timeout": 2, "retry": 3},
        "unsaved": {"save_limit": -1},
        "recycled": {"recycle": 2, "workers": 1},
        "large": {"max_rss": 1, "workers": 1},
        "observed": {"workers": 1, "error_reporter": {"acceptance": {"file": f"{FOLDER}/reported"}}},
        "own": {"broker_class": "acceptance_jobs.OwnBroker"},
        "first": {},
        "other": {},
    },
}
