"""What ``settings.EXPERIMENTEDITOR`` may say, read at use."""

from datetime import timedelta
from typing import Any

from django.conf import settings

# Seconds, except for the number of tries.
DEFAULTS = {
    "LEAD": 30,  # from the POST to the start of the slot
    "REMINDER_TOLERANCE": 60,  # by which the clocks of hosts may differ
    "MARGIN": 15,  # kept free after the end of a slot
    "MAIL_DELAY": 10,  # from the end of the slot to the mail
    "FETCH_DELAY": 15,  # from the end of the slot to the collection of the results
    "RETRY_DELAY": 5,  # until a device that did not answer is asked again; doubled each time for results
    "FETCH_TRIES": 5,
    "HTTP_TIMEOUT": 10,
    "LONGEST_SLOT": 4 * 3600,
}


def option(name: str, default: Any = None) -> Any:
    """Return what the settings say about a name, else its default."""
    return getattr(settings, "EXPERIMENTEDITOR", {}).get(name, DEFAULTS.get(name, default))


def span(name: str) -> timedelta:
    """Return an option that is a number of seconds."""
    return timedelta(seconds=option(name))
