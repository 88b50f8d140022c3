"""The real packages that people come from, each in an environment of its own."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from django_q_tests.support import databases
from django_q_tests.support.own_database import ROOT, OwnDatabase

PROJECT = Path(__file__).parent / "peer_project"


@cache
def peer(name: str) -> Path:
    """Return the interpreter of a package that ``.ci/peers`` knows, its environment made at the first call.

    Skips the test, with the reason, where it cannot be made; fails if REQUIRE names ``peers``.
    """
    done = subprocess.run([sys.executable, str(ROOT / ".ci" / "peers"), name], capture_output=True, text=True)
    if done.returncode == 0:
        return Path(done.stdout.strip())
    why = f"{name}: {done.stderr.strip()[-300:]}"
    if "peers" in os.environ.get("REQUIRE", "").split(","):
        pytest.fail(why)
    pytest.skip(why)


def fill(
    name: str, database: OwnDatabase, folder: Path, script: str = "peer_fill.py", **cluster: Any
) -> dict[str, Any]:
    """Let the real package migrate and fill a database; return what the script writes."""
    settings = {key: value for key, value in databases.from_url(database.url).items() if key != "TEST"}
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "DJANGO"))}
    env |= {
        "PEER_DATABASE": json.dumps(settings),
        "PEER_CLUSTER": json.dumps(cluster),
        # Nothing of ours: two of the packages are called django_q.
        "PYTHONPATH": str(PROJECT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [str(peer(name)), str(PROJECT / script), str(folder)]
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))
