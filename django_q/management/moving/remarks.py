"""What a report says at its end, whatever package the rows come from."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django_q.conf import DAY, Settings
from django_q.kernel import clock
from django_q.management.moving.plan import in_settings_form


def of_others(runners: str) -> str:
    """Remind of those who ran the old rows."""
    return (
        f"No {runners} may run any more, and this cannot see whether one does. The old rows stay as they are, "
        "untouched, until you drop their tables."
    )


def of_retention(settings: Settings, count: Callable[[bool, datetime], int]) -> list[str]:
    """Say how much of the old history clusters would delete; ``count`` tells what ended before a moment."""
    remarks = []
    for success, name in ((True, "keep_successes"), (False, "keep_failures")):
        kept = getattr(settings, name)
        if kept is None:
            continue
        found = count(success, in_settings_form(clock.now() - timedelta(seconds=kept)))
        if found:
            remarks.append(
                f"{found} {'successes' if success else 'failures'} ended longer ago than Q_CLUSTER[{name!r}] keeps "
                f"them ({kept / DAY:g} days): clusters delete them here within minutes. Set it to None to keep them."
            )
    return remarks
