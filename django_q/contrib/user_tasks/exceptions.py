"""Errors of user tasks."""

from django_q.exceptions import TaskCanceled


class TaskCanceledException(RuntimeError, TaskCanceled):
    """The user canceled the task. Raised in it by the next change of its status; the task ends as canceled."""


class UserFacingError(Exception):
    """An error whose text is meant for the user: the ``Error`` artifact shows it as it is."""
