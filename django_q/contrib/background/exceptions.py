"""Errors that tasks raise to say how they shall end."""

from django_q.exceptions import DoNotRetry


class BackgroundTaskError(Exception):
    """A background task went wrong; it is tried again while attempts are left."""


class InvalidTaskError(BackgroundTaskError, DoNotRetry):
    """A background task can never succeed: it fails at once, whatever attempts are left."""
