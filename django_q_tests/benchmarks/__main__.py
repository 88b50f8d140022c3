"""The command: each repetition in a process of its own, a line of JSON for each, and a table of the medians."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django_q_tests.benchmarks import counting, table
from django_q_tests.benchmarks.places import VARIANTS, Place
from django_q_tests.support.servers import NoServer

_LIMIT = 900  # seconds that one run may take


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    results: dict[str, list[dict[str, Any]]] = {}
    for number in range(options.repeat):
        # Repetition by repetition, so that a noisy minute does not hit one database only.
        for variant in options.database or VARIANTS:
            record = once(variant, options)
            if record is not None:
                record = {"variant": variant, "repetition": number + 1, "tasks": options.tasks, **record}
                results.setdefault(variant, []).append(record)
                print(json.dumps(record), flush=True)
    if not results:
        return 1
    if not options.json:
        print(f"\n{explanation(options)}\n\n{table.render(results)}")
        print("\n".join(["", *(f"missed: {line}" for line in table.missed(results))]))
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m django_q_tests.benchmarks", description="Measures the cluster.")
    made.add_argument("--database", action="append", choices=VARIANTS, help="may be repeated; default: all found")
    made.add_argument("--tasks", type=int, default=10_000, help="no-op tasks to drain (default: %(default)s)")
    made.add_argument("--workers", type=int, default=2, help="worker processes (default: %(default)s)")
    made.add_argument("--repeat", type=int, default=3, help="runs, of which the median counts (default: %(default)s)")
    made.add_argument("--latencies", type=int, default=200, help="samples of the latency (default: %(default)s)")
    made.add_argument("--idle", type=float, default=20.0, help="seconds to watch it idle (default: %(default)s)")
    made.add_argument("--cluster", type=json.loads, default={}, help="JSON for Q_CLUSTER (default: nothing set)")
    made.add_argument("--json", action="store_true", help="no table, only a line of JSON for each run")
    return made


def explanation(options: argparse.Namespace) -> str:
    return "\n".join(
        [
            f"Medians of {options.repeat} (lowest..highest): {options.tasks} no-op tasks with two small arguments,",
            f"results stored, {options.workers} workers, Django's own connection settings.",
            f"Q_CLUSTER = {options.cluster}. ! misses its target.",
        ]
    )


def once(variant: str, options: argparse.Namespace) -> dict[str, Any] | None:
    """Run everything once on a new database; None if there is no server for it."""
    folder = Path(tempfile.mkdtemp(prefix="dq-benchmark-"))
    try:
        place = Place.create(variant, folder)
    except NoServer as reason:
        print(f"{variant}: {reason}", file=sys.stderr)
        shutil.rmtree(folder)
        return None
    try:
        return measured(place, folder, options)
    finally:
        place.drop()
        shutil.rmtree(folder, ignore_errors=True)


def measured(place: Place, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure in a process of its own, which has Django set up for this database. Raises SystemExit if that fails."""
    counts = folder / "counts"
    counts.mkdir()
    wanted = {name: getattr(options, name) for name in ("tasks", "workers", "latencies", "idle")}
    command = [sys.executable, "-m", "django_q_tests.benchmarks.run", str(folder), json.dumps(wanted)]
    env = place.env(**options.cluster) | {counting.VARIABLE: str(counts), "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, timeout=_LIMIT, cwd=os.getcwd())
    if done.returncode:
        log = folder / "qcluster.log"
        print(log.read_text()[-3000:] if log.exists() else "", file=sys.stderr)
        raise SystemExit(f"The run on {place.variant} failed.")
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


if __name__ == "__main__":
    sys.exit(main())
