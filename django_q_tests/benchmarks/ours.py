"""One run of ours: a database of its own, and a process that has Django set up for it."""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from django_q_tests.benchmarks import counting
from django_q_tests.benchmarks.places import Place
from django_q_tests.benchmarks.sessions import Session
from django_q_tests.support.servers import NoServer

_LIMIT = 900  # seconds that one run may take, and as many for its backlogs


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
    """Measure in a process of its own, which has Django set up for this database. Raises RuntimeError if that fails."""
    counts = folder / "counts"
    counts.mkdir()
    wanted = {name: getattr(options, name) for name in ("tasks", "workers", "latencies", "idle", "backlogs")}
    command = [sys.executable, "-m", "django_q_tests.benchmarks.run", str(folder), json.dumps(wanted)]
    env = place.env(**options.cluster) | {counting.VARIABLE: str(counts), "PYTHONUNBUFFERED": "1"}
    limit = _LIMIT * (2 if options.backlogs else 1)
    answer = folder / "answer"
    session = Session(command, env=env, cwd=Path.cwd(), log=folder / "log", answer=answer)
    try:
        status = session.process.wait(limit)
    finally:
        session.end()
    if status:
        log = folder / "qcluster.log"
        of_cluster = log.read_text()[-3000:] if log.exists() else ""
        raise RuntimeError(f"The run on {place.variant} failed.\n{of_cluster}\n{session.log_tail()}")
    record: dict[str, Any] = json.loads(answer.read_text().splitlines()[-1])
    return record | {"settings": {"workers": options.workers, "Q_CLUSTER": options.cluster}}
