"""Measures 200 long class tasks in one runner, on a PostgreSQL server of its own: ``python -m …class_tasks``.

Start, stop of all, SIGTERM, SIGKILL and the takeover by another runner, an outage of the database.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import django

COUNT = 200
APP = "django_q_tests.support.class_app"


def main() -> None:
    """Measure, and print a line for each."""
    from django_q_tests.support import databases
    from django_q_tests.support.servers import PrivatePostgres

    with PrivatePostgres() as server:
        databases.execute(server.url, "CREATE DATABASE measured")
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "django_q_tests.settings.process",
            "DJANGO_Q_TEST_DATABASE_URL": f"{server.url}measured",
            "DJANGO_Q_TEST_APPS": f"django_q.contrib.class_tasks,{APP}",
            "DJANGO_Q_TEST_CLASS_TASKS": json.dumps({"concurrency": 2 * COUNT}),
        }
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        measure(server)


def measure(server) -> None:
    from django.db import connection

    from django_q.contrib.class_tasks import client, start_task, stop_task

    path = str(Path(tempfile.mkdtemp()) / "lines")

    def counted(state: str, attempts: int = 0) -> int:
        return client.rows().filter(state=state, local=False, attempts__gte=attempts).count()

    def timed(what: str, condition) -> None:
        begun = time.monotonic()
        while not condition():
            time.sleep(0.05)
        sys.stdout.write(f"{what}: {time.monotonic() - begun:.2f} s\n")
        sys.stdout.flush()

    def runner() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "django", "qrunner", "--alone"])

    def cpu(pid: int) -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def work_lines() -> int:
        return Path(path).read_text().count("started") if Path(path).exists() else 0

    one = runner()
    timed("a runner is ready", lambda: client.rows().filter(local=True, state="RUNNING").exists())
    ids = [start_task("test/loops", path=path) for _ in range(COUNT)]
    timed(f"{COUNT} tasks run after the last was queued", lambda: work_lines() == COUNT)
    before = cpu(one.pid)
    time.sleep(10)
    used = cpu(one.pid) - before
    rss = Path(f"/proc/{one.pid}/status").read_text().split("VmRSS:")[1].split("kB")[0].strip()
    sys.stdout.write(f"{COUNT} tasks that loop each 20 ms for 10 s: {used:.1f} s of CPU, {int(rss) // 1024} MiB\n")
    for task_id in ids:
        stop_task(task_id)
    timed("all are STOPPED after the last was asked", lambda: counted("STOPPED") == COUNT)
    for task_id in ids:
        client.restart_task(task_id)
    timed("all run again", lambda: work_lines() == 2 * COUNT)
    one.terminate()
    timed("SIGTERM: the runner has ended", lambda: one.poll() is not None)
    assert (one.returncode, counted("WAIT")) == (0, COUNT)
    one, two = runner(), None
    timed("a new runner runs all", lambda: counted("RUNNING") == COUNT)
    two = runner()
    timed("a second one is ready", lambda: client.rows().filter(local=True, state="RUNNING").count() == 2)
    os.kill(one.pid, signal.SIGKILL)
    one.wait()
    timed("SIGKILL: the other runs all (task_timeout 60 s)", lambda: counted("RUNNING", 4) == COUNT)
    lines = work_lines()
    connection.close()
    server.stop()
    timed("outage: all are stopped after it began", lambda: Path(path).read_text().count("stopped") >= 3 * COUNT)
    server.start()
    timed("the database is back: all run again", lambda: work_lines() == lines + COUNT)
    two.send_signal(signal.SIGTERM)
    timed("SIGTERM", lambda: two.poll() is not None)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    sys.stdout.write(f"the largest process: {peak} MiB\n")


if __name__ == "__main__":
    main()
