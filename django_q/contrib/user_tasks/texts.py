"""What users are told of errors. Nothing of an exception is shown that was not meant for them."""

import logging
from collections.abc import Mapping

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from django_q.contrib.user_tasks import options
from django_q.contrib.user_tasks.exceptions import UserFacingError
from django_q.exceptions import TaskTimeout

logger = logging.getLogger("django_q.user_tasks")

_GENERAL = _("The task could not be finished because of an error.")
_TOO_LONG = _("The task took too long and was stopped.")
_INTERRUPTED = _("The task was interrupted and could not be finished.")
_NOT_FINISHED = _("The task was not finished before the system that ran it was replaced.")
#: The reason of those that had not ended when they were moved in from another package.
MOVED = "moved"
# Reasons of the history -> what the user is told if the task itself could say nothing.
_OF_REASONS = {"timeout": _TOO_LONG, "lost": _INTERRUPTED, MOVED: _NOT_FINISHED}


def of_reason(reason: str | None) -> str:
    """Return what is told of a task that ended for this reason, in the language of the project."""
    with translation.override(settings.LANGUAGE_CODE):
        return str(_OF_REASONS.get(reason or "", _GENERAL))


def of_error(error: BaseException) -> str:
    """Return what is told of an exception: its own text only if it is meant for users, or the settings say so."""
    if isinstance(error, UserFacingError):
        return str(error)
    return _of_settings(error) or of_reason("timeout" if isinstance(error, TaskTimeout) else "error")


def _of_settings(error: BaseException) -> str:
    said = options.error_text()
    if said is None:
        return ""
    if not isinstance(said, Mapping):
        return said(error) or ""
    for kind in type(error).__mro__:
        text = said.get(f"{kind.__module__}.{kind.__qualname__}")
        if text:
            return str(error) if text is True else str(text)
    return ""
