"""ASGI servers in processes of their own, for tests: daphne and uvicorn."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import requests

from django_q_tests.support.clusters import PATIENCE, die_with_the_test
from django_q_tests.support.eventually import eventually
from django_q_tests.support.own_database import ROOT, OwnDatabase
from django_q_tests.support.servers import ASGI, free_port

APPLICATION = "django_q.examples.live.asgi:application"


class AsgiServer:
    """A server of the site with a live task. It can be killed and started again at its address."""

    def __init__(self, kind: str, database: OwnDatabase, log: Path) -> None:
        self.kind = kind
        self.database = database
        self.log = log
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> "AsgiServer":
        """Start it and return when it answers."""
        env = self.database.env | {"DJANGO_SETTINGS_MODULE": "django_q_tests.settings.live"}
        env.pop("DJANGO_Q_TEST_MARKERS", None)
        command = [sys.executable, *ASGI[self.kind], str(self.port), APPLICATION]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=env, cwd=ROOT, stdout=log, stderr=log, preexec_fn=die_with_the_test
            )
        eventually(self.answers, within=PATIENCE, saying=self.log.read_text)
        return self

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.address}/start/", allow_redirects=False, timeout=5).status_code < 500
        except requests.ConnectionError:
            return False

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)
