"""The plots of a run: ``python -m django_q_tests.benchmarks.plots figures.json folder`` draws them again.

The only file that needs Matplotlib.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams |= {
    "svg.fonttype": "none",  # texts stay texts
    "svg.hashsalt": "django_q",  # the same figures give the same file
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
}

from matplotlib import pyplot, ticker  # noqa: E402 (it asks for a screen unless it was told otherwise)

from django_q_tests.benchmarks import comparison  # noqa: E402


def draw(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write a file for each plot that the document has figures for; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    records = document["records"]
    drawn = [
        _draw(document, folder / "latency.svg", with_samples(records), _latency),
        _draw(document, folder / "backlog.svg", with_backlogs(records), _backlog),
    ]
    return [path for path in drawn if path is not None]


def with_samples(records: Sequence[comparison.Record]) -> list[comparison.Record]:
    """Return the records that tell how long each single task took to begin."""
    return [record for record in records if record.get("samples", {}).get("latency_ms")]


def with_backlogs(records: Sequence[comparison.Record]) -> list[comparison.Record]:
    """Return the records that drained more than one number of tasks."""
    return [record for record in records if record["figures"].get(comparison.BACKLOGS)]


def _draw(document: Mapping[str, Any], path: Path, records: list[comparison.Record], paint: Any) -> Path | None:
    """Draw one panel for each database of ours, with the packages that stand beside it."""
    shown = list(dict.fromkeys(record["variant"] for record in records))
    if not shown:
        return None
    figure, panels = pyplot.subplots(1, len(shown), figsize=(1 + 3.6 * len(shown), 3.4), squeeze=False)
    for panel, variant in zip(panels[0], shown, strict=True):
        panel.set_title(comparison.DATABASES[variant])
        paint(panel, _by_title([record for record in records if record["variant"] == variant]))
        panel.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Title": document["made_at"]})
    pyplot.close(figure)
    return path


def _by_title(records: Sequence[comparison.Record]) -> dict[str, list[comparison.Record]]:
    found: dict[str, list[comparison.Record]] = {}
    for record in records:
        found.setdefault(record.get("title", "django_q"), []).append(record)
    return found


def _latency(panel: Any, found: Mapping[str, Sequence[comparison.Record]]) -> None:
    """Show which share of the tasks had begun after how long."""
    for title, records in found.items():
        samples = sorted(sample for record in records for sample in record["samples"]["latency_ms"])
        shares = [100 * (number + 1) / len(samples) for number in range(len(samples))]
        panel.step(samples, shares, where="post", label=title, linewidth=2 if title == "django_q" else 1)
    _scale(panel.xaxis, panel.set_xscale)
    panel.set_xlabel("from the call to the first line, ms")
    panel.set_ylabel("tasks that had begun, %")


def _backlog(panel: Any, found: Mapping[str, Sequence[comparison.Record]]) -> None:
    """Show the rate at which so many tasks that wait are drained."""
    for title, records in found.items():
        rates = comparison.by_backlog(records)
        panel.plot(list(rates), list(rates.values()), "o-", label=title, linewidth=2 if title == "django_q" else 1)
    _scale(panel.xaxis, panel.set_xscale)
    _scale(panel.yaxis, panel.set_yscale)
    panel.set_xlabel("tasks that wait")
    panel.set_ylabel("drained, tasks/s")


def _scale(axis: Any, scale: Any) -> None:
    """Let an axis grow tenfold by equal steps, with numbers that one can read."""
    scale("log")
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(ticker.StrMethodFormatter("{x:,g}"))
    axis.set_minor_locator(ticker.NullLocator())


if __name__ == "__main__":
    for written in draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])):
        print(written)
