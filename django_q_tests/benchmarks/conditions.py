"""``python -m django_q_tests.benchmarks.conditions``: does the cluster keep its speed where it is not alone?

Prints one line of JSON for each database, and a table: every figure with the share of what it is compared with.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django_q_tests.benchmarks import counting, places
from django_q_tests.benchmarks.places import VARIANTS, Place
from django_q_tests.support.servers import NoServer

Record = dict[str, Any]

#: What is measured, in this order, and what the issue at hand may ask of it.
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
    """Measure on a new database; None where there is no server."""
    folder = Path(tempfile.mkdtemp(prefix="dq-conditions-"))
    try:
        place = Place.create(variant, folder)
    except NoServer as reason:
        print(f"{variant}: {reason}", file=sys.stderr)
        shutil.rmtree(folder)
        return None
    try:
        record = measured(place, folder, options)
        print(json.dumps(record), flush=True)
        return record
    finally:
        place.drop()
        shutil.rmtree(folder, ignore_errors=True)


def measured(place: Place, folder: Path, options: argparse.Namespace) -> Record:
    """Measure in a process of its own, which has Django set up for this database."""
    wanted = {name: getattr(options, name) for name in ("tasks", "waiting", "history", "open")}
    wanted["only"] = options.only or list(TITLES)
    command = [
        sys.executable,
        "-m",
        "django_q_tests.benchmarks.conditions",
        "--inside",
        str(folder),
        json.dumps(wanted),
    ]
    counts = folder / "counts"
    counts.mkdir()
    env = place.env() | {counting.VARIABLE: str(counts)}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return {"variant": place.variant, "error": f"ended with exit code {done.returncode}"}
    return {"variant": place.variant, **json.loads(done.stdout.splitlines()[-1])}


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
    if sys.argv[1:2] == ["--inside"]:
        from django_q_tests.benchmarks import straining

        straining.main(*sys.argv[2:])
        sys.exit()
    sys.exit(main())
