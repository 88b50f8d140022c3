"""Move in from django-user-tasks: ``manage.py qmigrate_from user_tasks``."""
