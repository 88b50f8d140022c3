"""Numbers, spans and moments as they stand in a table."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from django_q.models.schedule import aware
from django_q.tasks import TaskProgress
from django_q.tasks.activity import Spread

NOTHING = "-"
UNKNOWN = "unknown"
_BLOCKS = "▁▂▃▄▅▆▇█"
_MIB = 2**20
_TENTHS = 10


def uptime(seconds: float) -> str:
    """Return a span as h:mm:ss."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def span(seconds: float) -> str:
    """Return a span in few letters."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def ago(seconds: float) -> str:
    """Return how long ago something was, or in which time it will be."""
    whole = span(max(1.0, float(round(abs(seconds))))).replace(".0 s", " s")
    return f"{whole} ago" if seconds >= 0 else f"in {whole}"


def passed(value: datetime, at: datetime) -> float:
    """Return how many seconds lay between a stored moment and another one, negative if it was later."""
    return (at - aware(value)).total_seconds()


def moment(value: datetime | None) -> str:
    """Return a stored moment in the current time zone."""
    if value is None:
        return NOTHING
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    return f"{local:%Y-%m-%d %H:%M:%S}"


def at_most(count: int, most: int) -> str:
    """Return a count that had an end."""
    return f"{most}+" if count > most else str(count)


def mebibytes(size: int | None) -> str:
    """Return a size in MB, as Django Q counts them."""
    return UNKNOWN if size is None else f"{size / _MIB:.2f}"


def share(part: int | None, whole: int | None) -> str:
    """Return a part of a whole in percent."""
    return UNKNOWN if part is None or not whole else f"{100 * part / whole:.2f}"


def spread(found: Spread | None) -> str:
    """Return what half of the tasks needed at most, and what 95 of 100."""
    return NOTHING if found is None else f"{span(found.p50)} / {span(found.p95)}"


def sparkline(values: Sequence[float], width: int) -> str:
    """Return the newest values as little bars."""
    shown = list(values)[-width:] if width > 0 else []
    highest = max(shown, default=0.0)
    if highest <= 0:
        return _BLOCKS[0] * len(shown)
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, int(value / highest * len(_BLOCKS)))] for value in shown)


def bar(value: float, highest: float, width: int) -> str:
    """Return a horizontal bar."""
    return "" if highest <= 0 else "█" * max(1 if value else 0, round(value / highest * width))


def used(part: float | None, whole: float | None) -> str:
    """Return how much of something is used, as a bar of ten."""
    if part is None or not whole:
        return ""
    return ("█" * min(_TENTHS, round(part / whole * _TENTHS))).ljust(_TENTHS, "░")


def progress(found: TaskProgress | None) -> str:
    """Return how far a task says that it is."""
    return NOTHING if found is None else f"{used(found.done, found.total)} {found.text}".strip()
