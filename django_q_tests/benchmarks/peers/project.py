"""Settings of the Django project in which packages for Django run; all that differs comes from the driving side."""

from workload import asked

SECRET_KEY = "only for benchmarks"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": asked()["database"]}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", *asked()["apps"]]
Q_CLUSTER = asked().get("q_cluster", {})
TASKS = asked().get("tasks", {})
