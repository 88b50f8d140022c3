"""``python -m django_q_tests.acceptance``: statement, test, passed – with us, and with the real Django Q2.

The shared tests run with both at once, each on a PostgreSQL database of its own. Those of our own suite run after
them; with ``--shared``, as CI does which has just run that suite, it is only seen that they are there. Exits with 1 if
a statement has no test, or one of its tests did not pass.
"""

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django_q_tests.acceptance.statements import Peer, Statement
from django_q_tests.acceptance.systems import STATEMENTS, SYSTEMS
from django_q_tests.support import databases
from django_q_tests.support.own_database import ROOT

HERE = Path(__file__).resolve().parent
SHARED = HERE / "shared"
TESTS = HERE.parent
_NO_PYTHON = 3
_PASSED = re.compile(r"^(PASSED|FAILED|ERROR) (\S+?)(\[.*)?( - .*)?$", re.MULTILINE)


@dataclass
class Run:
    """The shared tests with one package."""

    name: str
    python: str
    path: str
    results: dict[str, dict[str, str]] = field(
        default_factory=lambda: defaultdict(dict)
    )  # statement -> test -> outcome
    output: str = ""

    def start(self, folder: Path, database: str) -> "subprocess.Popen[str]":
        env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "DJANGO", "PYTEST"))}
        env |= {
            "ACCEPTANCE_FOLDER": str(folder),
            "ACCEPTANCE_DATABASE": json.dumps(databases.from_url(database)),
            # Ours is found in the working copy, the peer's in its environment: nothing else may be called django_q.
            "PYTHONPATH": self.path,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [
            self.python, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:django",
            "-p", "no:xdist", "-p", "no:django_q", "-c", os.devnull, "--rootdir", str(SHARED), "--confcutdir",
            str(SHARED), str(SHARED),
        ]  # fmt: skip
        return subprocess.Popen(
            command, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def read(self, folder: Path) -> None:
        file = folder / "results.json"
        for test, told in json.loads(file.read_text() if file.exists() else "{}").items():
            for statement in told["statements"]:
                self.results[statement][test] = told["outcome"]

    def outcome(self, statement: str) -> str:
        found = set(self.results[statement].values())
        return "none" if not found else "passed" if found == {"passed"} else "FAILED"


def main() -> int:
    options = _parser().parse_args()
    runs = [Run("ours", sys.executable, os.pathsep.join([str(SHARED), str(ROOT)]))]
    peer = _peer()
    if peer is not None:
        runs.append(Run("django-q2", peer, str(SHARED)))
    _share(runs)
    own = _own(run=not options.shared)
    failed = []
    for system, statements in SYSTEMS.items():
        print(f"\n{system}: {len(statements)} statements")
        failed += [name for name, statement in statements.items() if not _show(name, statement, runs, own)]
    for run in runs:
        if any("passed" != outcome for tests in run.results.values() for outcome in tests.values()) or not run.results:
            print(f"\n--- {run.name}\n{run.output[-6000:]}")
    print(_summary(runs, failed))
    return 1 if failed else 0


def _peer() -> str | None:
    """Return the interpreter of the real Django Q2, None where there is no Python for it."""
    made = subprocess.run([sys.executable, str(ROOT / ".ci" / "peers"), "django-q2"], stdout=subprocess.PIPE, text=True)
    if made.returncode == _NO_PYTHON:
        return None
    made.check_returncode()
    return made.stdout.strip()


def _share(runs: list[Run]) -> None:
    """Run the shared tests with all packages at the same time: they mostly wait."""
    server = databases.provide("postgres")
    with tempfile.TemporaryDirectory() as root:
        started = []
        for run in runs:
            folder = Path(root) / run.name
            folder.mkdir()
            name = f"{databases.PREFIX}{os.getpid()}_{uuid.uuid4().hex[:8]}"
            databases.execute(server, f'CREATE DATABASE "{name}"')
            url = databases.to_url(databases.from_url(server) | {"NAME": name})
            started.append((run, folder, name, run.start(folder, url)))
        for run, folder, name, process in started:
            run.output = process.communicate()[0]
            run.read(folder)
            databases.drop(server, name)


def _own(*, run: bool) -> Mapping[str, str]:
    """Run the tests of our own suite, or only see that they are there, and return the outcome of each."""
    wanted = sorted({test for statement in STATEMENTS.values() for test in statement.tests})
    outcomes = {test: "there" if _exists(test) else "MISSING" for test in wanted}
    if not run:
        return outcomes
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=short", "-p", "no:cacheprovider", "-n3"]
    # A cluster can be seen to die on another host there.
    command.append("--ds=django_q_tests.settings.postgres")
    nodes = [f"django_q_tests/{test}" for test in wanted if outcomes[test] == "there"]
    ran = subprocess.run([*command, *nodes], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found: dict[str, set[str]] = defaultdict(set)
    for outcome, node, *_ in _PASSED.findall(ran.stdout):
        found[node.removeprefix("django_q_tests/")].add(outcome)
    if ran.returncode:
        print(ran.stdout[-6000:])
    passed = {test: "passed" if outcome == {"PASSED"} else "FAILED" for test, outcome in found.items()}
    return {test: passed.get(test, outcomes[test] if outcomes[test] == "MISSING" else "NOT RUN") for test in wanted}


def _exists(test: str) -> bool:
    file, _, name = test.partition("::")
    path = TESTS / file
    if not path.exists():
        return False
    tree = ast.parse(path.read_text())
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name for node in tree.body)


def _show(name: str, statement: Statement, runs: list[Run], own: Mapping[str, str]) -> bool:
    """Print a statement with its tests; return whether all is as it has to be."""
    ours = runs[0]
    shared, peer = ours.outcome(name), runs[1].outcome(name) if len(runs) > 1 else "not here"
    is_well = all(own[test] in ("passed", "there") for test in statement.tests)
    is_well &= bool(statement.tests) or shared == "passed"
    is_well &= shared != "FAILED" and peer != "FAILED"
    if statement.peer is Peer.SAME:
        is_well &= shared == "passed" and peer in ("passed", "not here")
    verdict = {"passed": "same", "none": ""}.get(peer, peer) if statement.peer is Peer.SAME else statement.peer.value
    note = f": {statement.note}" if statement.note else ""
    print(f"{name:>5}  {'passed' if is_well else 'FAILED':6}  {verdict:9}  {statement.words}{note}")
    for test in sorted(ours.results[name]):
        theirs = runs[1].results[name].get(test, "missing") if len(runs) > 1 else "not here"
        print(f"       - shared {test}: ours {ours.results[name][test]}, django-q2 {theirs}")
    for test in statement.tests:
        print(f"       - {test}: {own[test]}")
    return is_well


def _summary(runs: list[Run], failed: list[str]) -> str:
    counts = {peer: sum(each.peer is peer for each in STATEMENTS.values()) for peer in Peer}
    shared = [len({test for tests in run.results.values() for test in tests}) for run in runs]
    beside = f"{shared[1]} with the real django-q2" if len(runs) > 1 else "none with django-q2, for want of a Python"
    told = ", ".join(f"{count} {peer.value}" for peer, count in counts.items())
    last = f"failed: {', '.join(failed)}" if failed else "each has a test, and all passed"
    return f"\n{len(STATEMENTS)} statements ({told}); {shared[0]} shared tests with ours, {beside}; {last}"


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m django_q_tests.acceptance", description=__doc__)
    made.add_argument("--shared", action="store_true", help="run the shared tests only")
    return made


if __name__ == "__main__":
    sys.exit(main())
