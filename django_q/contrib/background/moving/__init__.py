"""Move in from django-background-tasks: ``manage.py qmigrate_from background_task``."""
