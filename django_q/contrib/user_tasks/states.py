"""The states that have a name; any other text is a stage of a task that is in progress."""

from django.utils.translation import gettext_noop

PENDING = gettext_noop("Pending")
IN_PROGRESS = gettext_noop("In Progress")
RETRYING = gettext_noop("Retrying")
SUCCEEDED = gettext_noop("Succeeded")
FAILED = gettext_noop("Failed")
CANCELED = gettext_noop("Canceled")

#: Those that a row keeps, until it is reset.
FINAL = (SUCCEEDED, FAILED, CANCELED)
#: Those of a task that has not ended and says nothing special.
OPEN = (PENDING, IN_PROGRESS, RETRYING)
KNOWN = (PENDING, IN_PROGRESS, RETRYING, *FINAL)
