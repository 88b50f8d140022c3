"""Settings of a project that uses the real Django Q or Django Q2; all that differs comes from the environment."""

import json
import os

SECRET_KEY = "only for tests"
DATABASES = {"default": json.loads(os.environ["PEER_DATABASE"])}
USE_TZ = os.environ.get("PEER_USE_TZ", "1") == "1"
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django_q"]
Q_CLUSTER = {
    "name": "oldsite",
    "orm": "default",
    "workers": 1,
    "timeout": 20,
    "retry": 600,
    "poll": 0.05,
    "guard_cycle": 0.1,
    "save_limit": 0,
    "ack_failures": True,
    "scheduler": False,
    **json.loads(os.environ.get("PEER_CLUSTER", "{}")),
}
