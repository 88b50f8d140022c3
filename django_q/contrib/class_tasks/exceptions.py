"""Every error that class tasks raise on purpose, and the one that breaks a task off."""

from django_q.exceptions import ClusterError


class ClassTaskError(ClusterError):
    """Something is wrong with a class task."""


class InvalidTask(ClassTaskError, TypeError):
    """A class cannot be a task: it has no NAME, or no start()."""


class DuplicateTask(ClassTaskError, ValueError):
    """Two classes have one NAME."""


class MissingTask(ClassTaskError, LookupError):
    """No class of this NAME is registered where a task was to be run."""


class TaskIsRunning(ClassTaskError):
    """A task cannot be started under an id under which one is running."""


class StopTask(SystemExit):
    """A task is broken off: raised in its thread where stop() did not end it in time. It is never an outcome.

    It is no ``Exception``, so that a task which catches these ends all the same.
    """
