"""Settings of a project that uses the real django-user-tasks, with a broker that lives in its process."""

import json
import os

SECRET_KEY = "only for tests"
DATABASES = {"default": json.loads(os.environ["PEER_DATABASE"])}
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "user_tasks"]
MEDIA_ROOT = os.environ.get("PEER_MEDIA", "media")
