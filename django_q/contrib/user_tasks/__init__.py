"""User tasks: what a task tells its user of itself: name, state, progress, and what it made."""

from django_q.contrib.user_tasks.signals import user_task_stopped

__all__ = ["user_task_stopped"]
