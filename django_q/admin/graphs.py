"""What the dashboard draws of the last hour: ends, waits and run times."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_q.admin import display
from django_q.admin.charts import Chart, Series
from django_q.tasks import activity
from django_q.tasks.activity import Bar, LastHour, Spread


@dataclass(frozen=True, slots=True)
class Graph:
    """A picture, and what its colours mean."""

    title: str
    picture: SafeString
    legend: tuple[tuple[str, str], ...]  # class and word


@dataclass(frozen=True, slots=True)
class Graphs:
    """The pictures, and the same numbers as a table."""

    graphs: tuple[Graph, ...]
    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    summary: tuple[str, ...]
    cut: str  # says what the pictures do not cover; empty if they cover the hour


def graphs_of(hour: LastHour) -> Graphs:
    """Draw the last hour."""
    labels = [_label(bar.begins, hour.width) for bar in hour.bars]
    return Graphs(
        graphs=(_throughput(hour, labels), *_latencies(hour, labels)),
        heads=(
            _("Begins"), _("Succeeded"), _("Failed"), _("Wait, p50"), _("Wait, p95"), _("Run time, p50"),
            _("Run time, p95"),
        ),
        lines=tuple(_line(label, bar) for label, bar in zip(labels, hour.bars, strict=True)),
        summary=tuple(_summary(hour)),
        cut=_cut(hour),
    )  # fmt: skip


def _throughput(hour: LastHour, labels: list[str]) -> Graph:
    good, bad = sum(bar.succeeded for bar in hour.bars), sum(bar.failed for bar in hour.bars)
    told = _("Tasks that succeeded since %(since)s: %(good)d; that failed: %(bad)d.")
    series = (
        Series(_("succeeded"), "django-q-succeeded", [bar.succeeded for bar in hour.bars]),
        Series(_("failed"), "django-q-failed", [bar.failed for bar in hour.bars]),
    )
    description = told % {"good": good, "bad": bad, "since": labels[0]}
    title = _per(hour, _("Tasks that ended, per minute"), _("Tasks that ended, per %(count)d s"))
    return _graph("throughput", title, description, labels, series)


def _latencies(hour: LastHour, labels: list[str]) -> Iterator[Graph]:
    waits, runs = [bar.wait for bar in hour.bars], [bar.run for bar in hour.bars]
    wait = (
        _("Wait from being enqueued to the start, per minute"),
        _("Wait from being enqueued to the start, per %(count)d s"),
    )
    run = (_("Run time, per minute"), _("Run time, per %(count)d s"))
    for id, titles, spreads, all in (("wait", wait, waits, hour.wait), ("run", run, runs, hour.run)):
        series = (
            Series(_("95 of 100"), "django-q-p95", [spread.p95 if spread else None for spread in spreads]),
            Series(_("half"), "django-q-p50", [spread.p50 if spread else None for spread in spreads]),
        )
        yield _graph(id, _per(hour, *titles), _told(all), labels, series, stacked=False, written=display.span)


def _per(hour: LastHour, minute: str, seconds: str) -> str:
    """Return the title for the width of the bars."""
    return minute if hour.width == 60 else seconds % {"count": hour.width}


def _graph(
    id: str,
    title: str,
    description: str,
    labels: list[str],
    series: tuple[Series, ...],
    *,
    stacked: bool = True,
    written: Callable[[float], str] | None = None,
) -> Graph:
    chart = Chart(f"django-q-{id}", title, description, labels, series, stacked, written or _count)
    return Graph(title, chart.svg(), tuple((each.css, each.name) for each in series))


def _line(label: str, bar: Bar) -> tuple[str, ...]:
    return (label, str(bar.succeeded), str(bar.failed), *_spans(bar.wait), *_spans(bar.run))


def _spans(spread: Spread | None) -> tuple[str, str]:
    return (display.EMPTY, display.EMPTY) if spread is None else (display.span(spread.p50), display.span(spread.p95))


def _summary(hour: LastHour) -> Iterator[str]:
    if hour.wait:
        yield _("Wait from being enqueued to the start: %(told)s") % {"told": _told(hour.wait)}
    if hour.run:
        yield _("Run time: %(told)s") % {"told": _told(hour.run)}


def _told(spread: Spread | None) -> str:
    if spread is None:
        return _("Nothing ended.")
    values = {"p50": display.span(spread.p50), "p95": display.span(spread.p95)}
    return _("half of the tasks at most %(p50)s, 95 of 100 at most %(p95)s.") % values


def _cut(hour: LastHour) -> str:
    if not hour.is_cut:
        return ""
    told = _("More than %(most)d tasks ended within the hour; only these, which ended since %(since)s, are drawn.")
    return told % {"most": activity.MOST, "since": display.moment(hour.since)}


def _label(moment: datetime, width: int) -> str:
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    return date_format(local, "H:i" if width == 60 else "H:i:s")


def _count(value: float) -> str:
    """Return a count; nothing for what lies between two."""
    return str(int(value)) if value == int(value) else ""
