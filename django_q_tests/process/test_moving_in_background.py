"""Databases that the real django-background-tasks filled, moved, and worked off by our cluster."""

import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from django_q.contrib.background.models import CompletedTask, Task, hash_of
from django_q.models import OrmQ
from django_q.models import Task as Record
from django_q.tasks import result
from django_q_tests.support.clusters import Drill
from django_q_tests.support.own_database import ROOT, OwnDatabase, migrate, pointed_at
from django_q_tests.support.peers import PROJECT, fill

pytestmark = pytest.mark.databases
KEPT = ("task_name", "task_params", "task_hash", "verbose_name", "priority", "repeat", "attempts")
SECOND = timedelta(seconds=1)
GONE = {"peer_shop.tasks.ad", "shop: gone"}


class Filled:
    """A database that the real package filled, with our tables beside."""

    def __init__(self, database: OwnDatabase, folder: Path) -> None:
        self.database = database
        found = fill("django-background-tasks", database, folder, "background_fill.py")
        self.pending: list[dict[str, Any]] = found["pending"]
        self.completed: list[dict[str, Any]] = found["completed"]
        migrate(database.name)

    def command(self, *options: str, status: int) -> str:
        """Run the command in a process of its own, with the shop installed; return its output."""
        process = self.database.popen("qmigrate_from", "background_task", *options)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == status, output
        return output

    def move(self, *options: str) -> dict[str, Any]:
        return dict(json.loads(self.command("--json", *options, status=1)))

    def old_rows(self) -> list[list[Any]]:
        with connection.cursor() as cursor:
            found = []
            for table in ("background_task", "background_task_completedtask"):
                cursor.execute(f"SELECT * FROM {table} ORDER BY id")
                found.append(cursor.fetchall())
        return found


@pytest.fixture
def filled(tmp_path, database_template, django_db_blocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Filled]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(PROJECT)]))
    monkeypatch.setenv("DJANGO_Q_TEST_APPS", "peer_shop")
    with django_db_blocker.unblock():
        database = database_template.empty(tmp_path)
        try:
            with pointed_at(database.name):
                yield Filled(database, tmp_path)
        finally:
            database.drop()


def our_rows():
    """All that a move writes."""
    return [list(model._base_manager.order_by("pk").values_list()) for model in (OrmQ, Record, Task)]


def test_everything_that_the_real_package_left_is_moved_and_runs(filled: Filled, tmp_path):
    before = filled.old_rows()
    assert "1 queued rows are locked, the last until" in filled.command(status=1)
    foretold = filled.move("--dry-run")
    assert our_rows() == [[], [], []]

    first = filled.move("--include-leased", "--batch", "3")

    assert {**first, "dry_run": True} == foretold
    assert (first["queued"]["moved"], first["queued"]["left"]) == (len(filled.pending) - len(GONE), len(GONE))
    assert (first["history"]["moved"], first["history"]["left"]) == (len(filled.completed), 0)
    said = "\n".join(remark["text"] for remark in first["queued"]["stays"])
    assert "'shop: gone'" in said and "Did you mean 'peer_shop.tasks.add'?" in said
    assert "Tasks wait in queues that Q_CLUSTER['queues'] does not name: 'letters'." in "\n".join(first["remarks"])
    rows = our_rows()
    again = filled.move("--include-leased")
    assert (again["queued"]["moved"], again["history"]["moved"]) == (0, 0)
    assert our_rows() == rows
    assert filled.old_rows() == before
    see_pending(filled.pending)
    see_completed(filled.completed)

    drill = Drill(filled.database, tmp_path)
    try:
        see_what_runs(drill)
        drill.finish()
    finally:
        drill.clean_up()


def see_pending(expected):
    ours = {task.task_hash: task for task in Task.objects.all()}
    assert len(ours) == len(expected) - len(GONE)
    for old in expected:
        if old["task_name"] in GONE:
            continue
        task = ours[old["task_hash"]]
        assert {name: getattr(task, name) for name in KEPT} == {name: old[name] for name in KEPT}
        assert list(task.params()) == old["params"]
        assert hash_of(task.task_name, task.task_params) == task.task_hash
        assert moment(task.repeat_until) == old["repeat_until"]
        assert moment(task.scheduled_for) == old["run_at"]
        assert task.queue == (old["queue"] or "default")
        assert creator(task) == old["creator"]
        assert task.locked_by is None
        see_when(task, old)
        see_error(task, old)


def see_when(task, old):
    if old["locked_at"] is None:
        assert moment(task.run_at) == old["run_at"]
    else:  # for so long a lock is believed
        assert task.run_at == datetime.fromisoformat(old["locked_at"]) + timedelta(hours=1)


def see_error(task, old):
    assert bool(task.last_error) == bool(old["last_error"])
    if task.last_error:
        assert old["last_error"].splitlines()[-1] == task.last_error == "ValueError: again"
        [entry] = json.loads(task.errors)
        assert timedelta(0) <= task.run_at - datetime.fromisoformat(entry["at"]) - timedelta(seconds=6) < SECOND


def see_completed(expected):
    ours = {task.task_hash: task for task in CompletedTask.objects.all()}
    assert len(ours) == len(expected) == 5
    for old in expected:
        task = ours[old["task_hash"]]
        assert {name: getattr(task, name) for name in KEPT} == {name: old[name] for name in KEPT}
        assert (moment(task.run_at), moment(task.locked_at)) == (old["run_at"], old["locked_at"])
        assert (task.failed_at is None, task.locked_by) == (old["failed_at"] is None, old["locked_by"])
        assert task.last_error == ("" if old["failed_at"] is None else old["last_error"])
        assert creator(task) == old["creator"]
        assert [list(task.record.args), task.record.kwargs] == old["params"]
    failed, flaky = CompletedTask.objects.failed().get(), ended("peer_shop.tasks.fail_once")
    assert (failed.verbose_name, failed.error) == (
        "an order",
        "background_task.exceptions.InvalidTaskError: no such order",
    )
    assert (flaky.attempts, json.loads(flaky.record.errors)[0]["error"]) == (2, "ValueError: the first time")
    assert ended("shop: post a letter").record.func == "peer_shop.tasks.post"


def see_what_runs(drill):
    queues = ["default", "letters"]
    hourly, linz = Task.objects.get(verbose_name="hourly"), Task.objects.get(task_params__contains="Linz")
    waiting = Task.objects.get(task_name="peer_shop.tasks.fail")
    lone = Task.objects.get(task_name="other_site.tasks.send")
    unnamed = Task.objects.filter(verbose_name=None).exclude(pk=linz.pk)
    drill.left = {*unnamed.values_list("pk", flat=True), Task.objects.get(verbose_name="locked").pk}
    cluster = drill.start(workers=1, queues=queues)
    drill.until(lambda: Record.objects.filter(pk=hourly.pk).exists())
    following = Task.objects.get(verbose_name="hourly")
    drill.left.add(following.pk)
    drill.until_empty()
    drill.until(lambda: OrmQ.objects.get(pk=waiting.pk).attempts == 2)
    drill.until(lambda: cluster.says(f"Task {lone.pk} waits for a worker that knows its function"))
    drill.ids = [*drill.left, *Record.objects.values_list("pk", flat=True)]

    assert drill.lines("words") == ["first", "middle", "last"]
    assert result(hourly.pk) == 7
    assert following.scheduled_for == hourly.scheduled_for + timedelta(hours=2)
    assert (following.creator.username, following.repeat) == ("jo", Task.HOURLY)
    assert result(CompletedTask.objects.get(verbose_name="ein Brief").pk) == ["Wien"]
    assert result(linz.pk) == ["Linz"]


def ended(name):
    return CompletedTask.objects.get(task_name=name)


def moment(value):
    return None if value is None else str(value)


def creator(task):
    return task.creator and [task.creator._meta.label, task.creator.pk]
