"""The states that have a name; any other text is a stage of a task that is in progress."""

from django.utils.translation import pgettext_lazy

PENDING = "Pending"
IN_PROGRESS = "In Progress"
RETRYING = "Retrying"
SUCCEEDED = "Succeeded"
FAILED = "Failed"
CANCELED = "Canceled"

#: Those that a row keeps, until it is reset.
FINAL = (SUCCEEDED, FAILED, CANCELED)
#: Those of a task that has not ended and says nothing special.
OPEN = (PENDING, IN_PROGRESS, RETRYING)
KNOWN = (*OPEN, *FINAL)

_TEXTS = {
    PENDING: pgettext_lazy("state of a user task", "Pending"),
    IN_PROGRESS: pgettext_lazy("state of a user task", "In Progress"),
    RETRYING: pgettext_lazy("state of a user task", "Retrying"),
    SUCCEEDED: pgettext_lazy("state of a user task", "Succeeded"),
    FAILED: pgettext_lazy("state of a user task", "Failed"),
    CANCELED: pgettext_lazy("state of a user task", "Canceled"),
}


def text_of(state: str) -> str:
    """Return a state in the active language; a text of a task as it is."""
    return str(_TEXTS.get(state, state))
