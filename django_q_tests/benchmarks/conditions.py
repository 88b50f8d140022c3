"""``python -m django_q_tests.benchmarks.conditions``: does the cluster keep its speed where it is not alone?

Prints one line of JSON for each database, and a table: every figure with the share of what it is compared with.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django_q_tests.benchmarks import ours, places, sessions
from django_q_tests.benchmarks.places import VARIANTS

Record = dict[str, Any]

_LIMIT = 3600  # seconds that one database may take, besides the open transaction

#: What is measured.
TITLES = {
    "queues": "tasks in 50 queues, tasks/s",
    "deferred": "beside as many deferred as {waiting}, tasks/s",
    "waiting": "{waiting} waiting, tasks/s",
    "history": "beside {history} rows of history, tasks/s",
    "clusters": "two clusters, tasks/s",
    "snapshot": "beside an open transaction of {open} s at 1,000 tasks/s, tasks/s",
    "workers": "tasks of 10 ms of rest, share of the ideal, by workers",
    "busy": "tasks of 5 ms of work, share of two bare processes",
    "coroutines": "1,000 coroutines of 100 ms, s",
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    places.start_durable_servers()
    records = [record for variant in options.database or VARIANTS if (record := attempt(variant, options))]
    for record in records:
        print(f"\n{render(record, options)}")
    if options.output:
        options.output.write_text(json.dumps(records, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0 if records and not any("error" in record for record in records) else 1


def attempt(variant: str, options: argparse.Namespace) -> Record | None:
    """Measure on a new database; what failed is a record with an error. None where there is no server."""
    wanted = {name: getattr(options, name) for name in ("tasks", "waiting", "history", "open")}
    wanted["only"] = options.only or list(TITLES)
    try:
        found = ours.measured(variant, "straining", wanted, limit=_LIMIT + options.open)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"{variant}: {error}", file=sys.stderr)
        found = {"error": str(error).strip().splitlines()[-1]}
    if found is None:
        return None
    record = {"variant": variant, **found}
    print(json.dumps(record), flush=True)
    return record


def render(record: Record, options: argparse.Namespace) -> str:
    """Return the figures of one database as lines."""
    lines = [f"{record['variant']}: {record.get('error', '')}".rstrip(": ")]
    known = {name: f"{getattr(options, name):,}" for name in ("waiting", "history", "open")}
    figures = record.get("figures", {})
    if "empty" in figures:
        lines.append(f"  {'empty, tasks/s':70} {figures['empty']:>9,.0f}")
    for name, title in TITLES.items():
        for label, figure in labelled(title.format(**known), figures.get(name)):
            share = f"{figure / figures['empty']:>7.0%}" if title.endswith("tasks/s") else ""
            shown = f"{figure:>9,.0f}" if figure >= 100 else f"{figure:>9.2f}"
            lines.append(f"  {label:70} {shown} {share}".rstrip())
    lines += [f"  {name}: {value}" for name, value in record.get("remarks", {}).items()]
    return "\n".join(lines)


def labelled(title: str, figure: Any) -> list[tuple[str, float]]:
    """Return a figure with its title, and one line for each part if it has parts."""
    if figure is None:
        return []
    if isinstance(figure, dict):
        return [(f"{title}: {part}", value) for part, value in figure.items()]
    return [(title, figure)]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    made = argparse.ArgumentParser(prog="python -m django_q_tests.benchmarks.conditions", description=__doc__)
    made.add_argument("--database", action="append", choices=VARIANTS, help="may be repeated; default: all found")
    made.add_argument("--only", action="append", choices=list(TITLES), help="may be repeated; default: all")
    made.add_argument("--tasks", type=int, default=10_000, help="no-op tasks to drain (default: %(default)s)")
    made.add_argument("--waiting", type=int, default=200_000, help="tasks of a long queue (default: %(default)s)")
    made.add_argument("--history", type=int, default=1_000_000, help="rows of history (default: %(default)s)")
    made.add_argument("--open", type=int, default=60, help="seconds of the open transaction (default: %(default)s)")
    made.add_argument("--output", type=Path, help="write the records to a file as JSON")
    return made.parse_args(arguments)


if __name__ == "__main__":
    sessions.end_when_terminated()
    sys.exit(main())
