"""One run of ours: a database of its own, and a process that has Django set up for it."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from django_q_tests.benchmarks import counting, places
from django_q_tests.benchmarks.places import Place
from django_q_tests.benchmarks.sessions import Session
from django_q_tests.support.servers import NoServer

_LIMIT = 900  # seconds that one run may take, and as many for its backlogs


def once(variant: str, options: argparse.Namespace) -> dict[str, Any] | None:
    """Run everything once on a new database; None if there is no server for it. Raises RuntimeError if that fails."""
    wanted = {name: getattr(options, name) for name in ("tasks", "workers", "latencies", "idle", "backlogs")}
    limit = _LIMIT * (2 if options.backlogs else 1)
    record = measured(variant, "run", wanted, limit=limit, cluster=options.cluster)
    return record and record | {"settings": {"workers": options.workers, "Q_CLUSTER": options.cluster}}


def measured(
    variant: str, module: str, wanted: dict[str, Any], *, limit: float, cluster: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """Run a module of this package on a new database, and return what it prints; None if there is no server for it.

    It is a process of its own, which has Django set up for this database, and all that it starts ends with it. Raises
    RuntimeError if it fails.
    """
    try:
        with places.fresh(variant) as (place, folder):
            return _answer(place, folder, module, wanted, limit, cluster or {})
    except NoServer as reason:
        print(f"{variant}: {reason}", file=sys.stderr)
        return None


def _answer(
    place: Place, folder: Path, module: str, wanted: dict[str, Any], limit: float, cluster: dict[str, Any]
) -> dict[str, Any]:
    counts = folder / "counts"
    counts.mkdir()
    command = [sys.executable, "-m", f"django_q_tests.benchmarks.{module}", str(folder), json.dumps(wanted)]
    env = place.env(**cluster) | {counting.VARIABLE: str(counts), "PYTHONUNBUFFERED": "1"}
    answer = folder / "answer"
    session = Session(command, env=env, cwd=Path.cwd(), log=folder / "log", answer=answer)
    try:
        status = session.process.wait(limit)
    finally:
        session.end()
    if status:
        logs = "\n".join(log.read_text()[-3000:] for log in sorted(folder.glob("qcluster*.log")))
        raise RuntimeError(f"The run on {place.variant} failed.\n{logs}\n{session.log_tail()}")
    record: dict[str, Any] = json.loads(answer.read_text().splitlines()[-1])
    return record
