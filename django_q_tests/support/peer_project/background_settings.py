"""Settings of a project that uses the real django-background-tasks."""

import json
import os

SECRET_KEY = "only for tests"
DATABASES = {"default": json.loads(os.environ["PEER_DATABASE"])}
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "background_task", "peer_shop"]
