"""The database goes away and comes back: nothing is killed, nothing is lost, nothing runs twice."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, connections

from django_q.contrib.class_tasks import get_task, start_task
from django_q.contrib.class_tasks.models import ClassTask
from django_q.models import Incarnation
from django_q_tests.support import databases
from django_q_tests.support.class_tasks import lines
from django_q_tests.support.clusters import ALERT, Drill, QRunner, runs
from django_q_tests.support.own_database import ROOT, OwnDatabase, migrate
from django_q_tests.support.screens import Screened
from django_q_tests.support.servers import PrivatePostgres

pytestmark = [
    pytest.mark.databases,
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="only a PostgreSQL server of its own is stopped by a test"
    ),
]


@pytest.fixture
def own_database(private_postgres: PrivatePostgres, django_db_blocker) -> Iterator[OwnDatabase]:
    """A database on a server that may be stopped."""
    database = connections.settings["default"]
    before = dict(database)
    with django_db_blocker.unblock():
        connection.close()
        databases.execute(private_postgres.url, "CREATE DATABASE outage")
        try:
            database.update(databases.from_url(f"{private_postgres.url}outage"))
            migrate("outage")
            yield OwnDatabase(server=private_postgres.url, name="outage")
        finally:
            connection.close()
            database.update(before)


@pytest.fixture
def server(private_postgres: PrivatePostgres, drill: Drill) -> "Outage":
    return Outage(private_postgres)


class Outage:
    """The server, and how to take it away for a while."""

    def __init__(self, server: PrivatePostgres) -> None:
        self.server = server

    def begins(self, *, at_once: bool = False) -> None:
        connection.close()
        self.server.stop(at_once=at_once)

    def lasts(self, seconds: float) -> None:
        time.sleep(seconds)  # what the test is about

    def ends(self) -> None:
        self.server.start()


@pytest.mark.parametrize("at_once", [False, True], ids=["restart", "crash"])
def test_an_outage_longer_than_the_lease_kills_and_doubles_nothing(drill: Drill, server: Outage, at_once):
    cluster = drill.start(**ALERT)
    running = drill.hold()
    drill.touches(3000)
    drill.until_line("100")
    family = {one.pid for one in cluster.family() if one.role != "pusher"}

    server.begins(at_once=at_once)
    server.lasts(4)
    server.ends()

    drill.until(lambda: drill.ended() == 3000)
    drill.open_gate()
    ended = drill.until_ended(running)
    assert (ended.success, ended.attempt_count, ended.crashes) == (True, 1, 0)
    assert sorted(map(int, drill.lines())) == list(range(3000))
    assert family <= {one.pid for one in cluster.family()}
    assert Incarnation.objects.get().dead_at is None


def test_an_outage_of_twenty_seconds_is_nobodys_death(drill: Drill, server: Outage):
    """With the default lease of 12 s, and another cluster that could have taken over."""
    env = {"DJANGO_SETTINGS_MODULE": "django_q_tests.support.elsewhere", "DJANGO_Q_TEST_HOST": "elsewhere"}
    clusters = [drill.start(), drill.start(env=env)]
    running = drill.hold()
    drill.until_ended(*drill.touches(200))

    server.begins()
    server.lasts(20)
    server.ends()

    drill.until_ended(*drill.enqueue_many([()] * 20, func="ok"), within=10)
    drill.open_gate()
    assert drill.until_ended(running).attempt_count == 1
    assert Incarnation.objects.filter(dead_at=None).count() == 2
    assert not any(cluster.says("starts anew") or cluster.says("Took over") for cluster in clusters)


def test_what_ends_during_an_outage_is_recorded_after_it(drill: Drill, server: Outage):
    drill.start(**ALERT)
    running = drill.hold()

    server.begins()
    drill.open_gate()
    drill.until_line("ended", "held")
    server.lasts(3)
    server.ends()

    ended = drill.until_ended(running, within=10)
    assert (ended.success, ended.result) == (True, "the gate opened")


def test_a_drain_waits_for_the_database(drill: Drill, server: Outage):
    cluster = drill.start(grace=10, **ALERT)
    running = drill.hold()

    server.begins()
    cluster.term()
    drill.open_gate()
    server.lasts(4)
    assert cluster.process.poll() is None
    server.ends()

    assert cluster.exit_code() == 0
    assert drill.until_ended(running).success


def test_short_outages_one_after_the_other_double_nothing(drill: Drill, server: Outage):
    drill.start()
    drill.touches(4000)

    for outage in range(1, 5):
        drill.until(lambda outage=outage: len(drill.lines()) >= 600 * outage)
        server.begins(at_once=bool(outage % 2))
        server.ends()

    drill.until_empty()
    assert sorted(map(int, drill.lines())) == list(range(4000))


def test_a_strict_lease_prefers_a_killed_task_to_a_doubled_one(drill: Drill, server: Outage):
    cluster = drill.start(strict_lease=True, **ALERT)
    running = drill.hold()
    worker = int(drill.lines("held")[0])

    server.begins()
    drill.until(lambda: not runs(worker), within=ALERT["lease"] + 2)
    drill.open_gate()
    server.ends()

    ended = drill.until_ended(running, within=15)
    assert ended.success
    assert len(drill.lines("held")) == 3
    assert cluster.says("strict_lease is set")


def test_the_terminal_tells_of_the_outage_and_goes_on_after_it(drill: Drill, server: Outage):
    drill.start(**ALERT)
    screen = Screened("qmonitor", "--interval", "0.2", env=drill.database.env_with(), folder=ROOT)
    try:
        screen.until_shows("idle", "Queued 0 (0 claimed)")
        server.begins()
        screen.until_shows("The database 'default' cannot be read")
        server.ends()
        screen.until_shows("idle", "Queued 0 (0 claimed)")
        screen.press("q")
        assert screen.exit_code() == 0 and screen.is_restored()
    finally:
        screen.close()


def test_a_runner_of_class_tasks_stops_them_and_starts_them_again_after_it(drill: Drill, server: Outage, tmp_path):
    path = tmp_path / "works"
    alert = {"interval": 0.1, "heartbeat": 0.2, "task_timeout": 1.5, "grace": 0.3, "cleanup": True}
    env = {
        "DJANGO_Q_TEST_APPS": "django_q.contrib.class_tasks,django_q_tests.support.class_app",
        "DJANGO_Q_TEST_CLASS_TASKS": json.dumps(alert),
    }
    ids = [start_task("test/loops", path=str(path)) for _ in range(3)]
    one = drill.start(QRunner, complete=False, env=env, options=["--alone"])
    drill.until(lambda: lines(path) == ["started"] * 3)
    waiting = start_task("test/returns", cleanup=False, task_id="kept")

    server.begins()
    drill.until(lambda: lines(path).count("stopped") == 3)
    used = cpu_seconds(one.pid)
    server.lasts(1)
    assert cpu_seconds(one.pid) - used < 0.5  # it waits, and does not spin
    server.ends()

    drill.until(lambda: lines(path).count("started") == 6)
    assert [get_task(task_id, ["state", "attempts"]) for task_id in ids] == [["RUNNING", 2]] * 3
    drill.until(lambda: get_task(waiting, "state") == "SUCCESS")
    drill.until(lambda: ClassTask.objects.filter(local=True, state="RUNNING").count() == 2)
    failing = start_task("test/fails", how="exception")
    drill.until(lambda: get_task(failing) == {})  # the cleanup works again, too


def cpu_seconds(pid: int) -> float:
    """Return what a process has used of the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
