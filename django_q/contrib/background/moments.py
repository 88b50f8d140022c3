"""From what ``schedule=`` may hold to the moment from which a task may run."""

import warnings
from datetime import datetime, timedelta
from math import isfinite

from django.conf import settings
from django.utils import timezone

Schedule = datetime | timedelta | int | float


def run_after(schedule: Schedule | None) -> datetime | timedelta | None:
    """Return the time before which a task must not run; None if it may run at once."""
    if schedule is None:
        return None
    if isinstance(schedule, datetime):
        moment = _in_settings_form(schedule)
        return moment if moment > timezone.now() else None
    delay = _delay(schedule)
    return delay if delay > timedelta(0) else None


def _in_settings_form(moment: datetime) -> datetime:
    """Return a moment that can be compared with ``timezone.now()``."""
    if settings.USE_TZ and timezone.is_naive(moment):
        warnings.warn(
            f"schedule={moment!r} names no time zone and is read in the current one, "
            f"{timezone.get_current_timezone_name()!r}. Pass an aware datetime, as timezone.now() returns it.",
            RuntimeWarning,
            stacklevel=4,  # the caller of the proxy
        )
        return timezone.make_aware(moment)
    if not settings.USE_TZ and timezone.is_aware(moment):
        return timezone.make_naive(moment)
    return moment


def _delay(schedule: object) -> timedelta:
    if isinstance(schedule, timedelta):
        return schedule
    if isinstance(schedule, (int, float)) and not isinstance(schedule, bool) and isfinite(schedule):
        return timedelta(seconds=schedule)
    raise TypeError(
        f"schedule={schedule!r} is neither a moment nor a delay. "
        "Pass a datetime, a timedelta or a number of seconds, for example schedule=60."
    )
