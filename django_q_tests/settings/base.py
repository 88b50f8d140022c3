"""What the settings of all databases have in common."""

import os
import sys
from pathlib import Path

import django

import django_q

# The application of the course export, which its tasks know as `my_app`.
COURSES = str(Path(django_q.__file__).parent / "examples" / "courses")
if COURSES not in sys.path:
    sys.path.append(COURSES)

SECRET_KEY = "only for tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
STATIC_URL = "static/"
ROOT_URLCONF = "django_q_tests.urls"

# `makemigrations --check` runs under both, for users who set either.
DEFAULT_AUTO_FIELD = os.environ.get("DJANGO_Q_TEST_AUTO_FIELD", "django.db.models.BigAutoField")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    # Applications of their own, each with models and migrations.
    "django_q.contrib.background",
    "django_q.contrib.publish",
    "django_q.contrib.user_tasks",
    "django_q.contrib.class_tasks",
    "django_q.examples.experimenteditor",
    "my_app",
]

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
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

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Mail stays in memory, in the processes that tests start too. Django 6.1 has a new name for the setting.
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
else:
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

Q_CLUSTER: dict[str, object] = {}
