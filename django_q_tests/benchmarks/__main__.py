"""The command: each repetition in a process of its own, a line of JSON for each, tables of the medians, a file."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django_q_tests.benchmarks import comparison, driving, ours, output, places, sessions, systems, table
from django_q_tests.benchmarks.comparison import OURS
from django_q_tests.benchmarks.places import VARIANTS
from django_q_tests.benchmarks.systems import System
from django_q_tests.support.servers import NoServer

Record = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    places.start_durable_servers()
    machine = output.machine()
    records: list[Record] = []
    # Repetition by repetition, so that a noisy minute does not hit one of them only.
    for number in range(1, options.repeat + 1):
        for measured in plan(options, systems.installed()):
            record = attempt(measured, options)
            if record is not None:
                record = {**about(measured), "repetition": number, "tasks": options.tasks, **record}
                records.append(record)
                print(json.dumps(output.without_samples(record)), flush=True)
    report(output.document(records, options, on=machine), options)
    failed = [record for record in records if "error" in record]
    return 1 if failed or not records else 0


def plan(options: argparse.Namespace, found: Sequence[System]) -> list[str | System]:
    """Return what a repetition measures, in its order: each package follows ours on the database beside it."""
    steps: list[str | System] = []
    for variant in options.database or VARIANTS:
        if OURS in options.only:
            steps.append(variant)
        steps += [system for system in found if system.beside == variant and system.name in options.only]
    return steps


def attempt(measured: str | System, options: argparse.Namespace) -> Record | None:
    """Measure once; what failed is a record with an error and without figures. None where there is no server."""
    try:
        if isinstance(measured, str):
            return ours.once(measured, options)
        return driving.once(measured, options)
    except NoServer as reason:
        print(f"{about(measured)['system']}: {reason}", file=sys.stderr)
        return None
    except (RuntimeError, driving.Unfinished, subprocess.TimeoutExpired) as error:
        print(f"{about(measured)['system']}: {error}", file=sys.stderr)
        return {"error": str(error).strip().splitlines()[-1], "figures": {}}


def about(measured: str | System) -> Record:
    """Say what was measured, and beside which database of ours it stands."""
    if isinstance(measured, str):
        return {"system": OURS, "variant": measured}
    said = {"title": measured.title, "place": measured.place, "remarks": list(measured.remarks)}
    return {"system": measured.name, "variant": measured.beside, **said}


def report(document: Record, options: argparse.Namespace) -> None:
    """Print the tables, and write the files that were asked for."""
    records: list[Record] = document["records"]
    if options.output:
        options.output.write_text(output.text(document), encoding="utf-8")
    by_variant = comparison.ours(records)
    if not options.json and by_variant:
        print(f"\n{explanation(options)}\n\n{table.render(by_variant)}")
        print("\n".join(["", *(f"missed: {line}" for line in table.missed(by_variant))]))
    if not options.json and comparison.theirs(records):
        print(f"\n{comparison.render(records)}")
    if options.plots:
        from django_q_tests.benchmarks import plots

        plots.draw(document, options.plots)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line. Whatever cannot be meant ends it with a sentence."""
    made = parser()
    options = made.parse_args(arguments)
    if not options.peers and set(options.only or ()) - {OURS}:
        made.error("--only names a package and --no-peers excludes all")
    missing = [each.name for each in systems.SYSTEMS if each.name in (options.only or ()) and not each.is_installed]
    if missing:
        made.error(f"{', '.join(missing)}: not installed here; make bench-peers installs it")
    if options.plots and not find_spec("matplotlib"):
        made.error("--plots needs Matplotlib; make bench-peers installs it")
    options.only = options.only or [OURS, *(systems.NAMES if options.peers else ())]
    return options


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m django_q_tests.benchmarks", description="Measures the cluster, and other packages beside it."
    )
    made.add_argument("--database", action="append", choices=VARIANTS, help="may be repeated; default: all found")
    made.add_argument("--tasks", type=count, default=10_000, help="no-op tasks to drain (default: %(default)s)")
    made.add_argument("--workers", type=count, default=2, help="worker processes (default: %(default)s)")
    made.add_argument("--repeat", type=count, default=3, help="runs, of which the median counts (default: %(default)s)")
    made.add_argument("--latencies", type=count, default=200, help="samples of the latency (default: %(default)s)")
    made.add_argument("--idle", type=float, default=20.0, help="seconds to watch ours idle (default: %(default)s)")
    made.add_argument("--cluster", type=json.loads, default={}, help="JSON for Q_CLUSTER (default: nothing set)")
    made.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True, help="those that are installed")
    made.add_argument("--only", action="append", choices=(OURS, *systems.NAMES), help="may be repeated; default: all")
    made.add_argument("--limit", type=count, default=60, help="seconds that a package may drain (default: %(default)s)")
    made.add_argument(
        "--backlogs", type=counts, default=[], help="drain so many as well: 1000,50000,200000 (default: none)"
    )
    made.add_argument("--output", type=Path, help="a file for all records and samples, as JSON")
    made.add_argument("--plots", type=Path, help="a folder for plots (SVG), for which Matplotlib has to be installed")
    made.add_argument("--json", action="store_true", help="no tables, only a line of JSON for each run")
    return made


def count(text: str) -> int:
    """Read a number of things. Raises ArgumentTypeError if there would be none."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def counts(text: str) -> list[int]:
    """Read numbers with commas between them, each once, in order."""
    return sorted({count(part.strip()) for part in text.split(",")})


def explanation(options: argparse.Namespace) -> str:
    return "\n".join(
        [
            f"Medians of {options.repeat} (lowest..highest): {options.tasks} no-op tasks with two small arguments,",
            f"results stored, {options.workers} workers, Django's own connection settings.",
            f"Q_CLUSTER = {options.cluster}. ! misses its target.",
        ]
    )


if __name__ == "__main__":
    sessions.end_when_terminated()
    sys.exit(main())
