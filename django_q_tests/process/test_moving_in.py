"""Databases that the real Django Q and Django Q2 filled, moved, and worked off by our cluster."""

import io
import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from datetime import timezone as zones
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection

from django_q.kernel.states import TaskState
from django_q.management.moving import tables
from django_q.management.moving.history import IS_HERE
from django_q.management.moving.writing import MEANWHILE
from django_q.models import OrmQ, Schedule, Task
from django_q.tasks import fetch, result, result_group
from django_q_tests.integration.moving import old
from django_q_tests.support.clusters import Drill
from django_q_tests.support.own_database import ROOT, OwnDatabase, migrate, pointed_at
from django_q_tests.support.peers import PROJECT, fill

pytestmark = pytest.mark.once
SOURCES = {"django-q2": "django_q2", "django-q": "django_q"}
NAME = "oldsite"
IN_2030 = datetime(2030, 1, 31, 9, 30, tzinfo=zones.utc)


class Filled:
    """A database that a real package filled, with our tables beside."""

    def __init__(self, package: str, database: OwnDatabase, folder: Path) -> None:
        self.source = SOURCES[package]
        self.database = database
        self.ids = fill(package, database, folder, compress=package == "django-q")
        migrate(database.name)

    def move(self, *options: str) -> dict[str, Any]:
        output = io.StringIO()
        call_command("qmigrate_from", self.source, "--json", *options, stdout=output)
        return dict(json.loads(output.getvalue()))

    def old_rows(self) -> list[list[Any]]:
        with connection.cursor() as cursor:
            found = []
            for table in ("django_q_task", "django_q_ormq", "django_q_schedule"):
                cursor.execute(f"SELECT * FROM {table} ORDER BY id")
                found.append(cursor.fetchall())
        return found


@pytest.fixture(params=SOURCES)
def filled(
    request, tmp_path, database_template, django_db_blocker, settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Filled]:
    settings.Q_CLUSTER = {"name": NAME, "retry": 600}
    monkeypatch.syspath_prepend(str(PROJECT))
    with django_db_blocker.unblock():
        database = database_template.empty(tmp_path)
        try:
            with pointed_at(database.name):
                yield Filled(request.param, database, tmp_path)
        finally:
            database.drop()


def our_rows():
    """All that a move writes."""
    return [list(model.objects.order_by("pk").values_list()) for model in (OrmQ, Task, Schedule)]


def test_everything_that_a_real_package_left_is_moved_and_runs(filled: Filled, tmp_path):
    before, ran, queued = filled.old_rows(), filled.ids["ran"], filled.ids["queued"]
    see_both_migrations()
    with pytest.raises(CommandError, match="1 queued rows are leased"):
        filled.move()

    foretold = filled.move("--dry-run")
    assert our_rows() == [[], [], []]
    first = filled.move("--include-leased")
    for report in (foretold, first):
        report["schedules"].pop("notes")  # one of them may become due in between
    assert {**first, "dry_run": True} == foretold
    assert first["left"] == 0
    rows = our_rows()
    assert filled.move("--include-leased")["history"]["moved"] == 0
    assert our_rows() == rows
    assert filled.old_rows() == before
    assert result(ran["add"]) is None
    assert fetch(ran["add"]).name == "addition"
    assert filled.move("--include-leased", "--trust-pickles")["history"]["completed"] == 3
    see_history(ran)
    see_schedules(filled.ids["schedules"])

    drill = Drill(filled.database, tmp_path)
    drill.left = {ran["retried"]}
    try:
        drill.start(name=NAME, env={"PYTHONPATH": os.pathsep.join([str(ROOT), str(PROJECT)])})
        drill.until_empty()
        drill.until(lambda: not Schedule.objects.filter(name__in=["once", "soon"]).exists())
        drill.until_empty()
        drill.ids = [ran["retried"], *Task.objects.values_list("pk", flat=True)]
        see_results(queued)
        see_what_schedules_did()
        assert drill.lines("unsaved") == drill.lines("first") == ["ran"]
        assert fetch(queued["unsaved"]) is None
        drill.finish()
    finally:
        drill.clean_up()


def see_both_migrations():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
    call_command("migrate", "--check", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM django_migrations WHERE app = 'django_q'")
        applied = {name for (name,) in cursor.fetchall()}

    assert {"0001_initial", "0014_schedule_cluster", "0001_cluster_tables", "0005_moved"} <= applied
    kinds = ContentType.objects.filter(app_label="django_q").values_list("model", flat=True)
    assert len(set(kinds)) == len(kinds)
    assert {"task", "success", "failure", "schedule", "ormq", "incarnation"} <= set(kinds)
    rights = Permission.objects.filter(content_type__app_label="django_q").values_list("codename", flat=True)
    assert len(set(rights)) == len(rights)
    assert {"change_task", "requeue_task", "cancel_task"} <= set(rights)


def see_history(ran):
    done, weighed, failed = (fetch(ran[name]) for name in ("add", "weigh", "fail"))
    assert (done.result, done.args, done.kwargs, done.success, done.group) == (3, (1, 2), {}, True, "sums")
    assert done.started == done.enqueued_at <= done.stopped
    assert weighed.args[0].weight == 7
    assert weighed.result[0] == 7
    assert (failed.success, failed.reason, failed.error) == (False, "error", "ValueError: broken")
    assert "peer_jobs.py" in failed.traceback
    assert failed.result.startswith("broken : Traceback")
    waiting = OrmQ.objects.get(pk=ran["retried"])
    assert (waiting.state, waiting.attempts) == (TaskState.DEFERRED, 1)
    assert timedelta(minutes=5) < waiting.run_after - done.stopped < timedelta(minutes=11)


def see_schedules(due):
    found = {each.name or "monthly": each for each in Schedule.objects.all()}
    assert sorted(found) == ["bad", "cron", "daily", "daily (2)", "monthly", "once", "soon"]
    for name in ("daily", "monthly", "cron", "bad", "soon", "once"):
        assert found[name].next_run.isoformat() == due[name]
    assert (found["monthly"].repeats, found["monthly"].options) == (3, "timeout=5")
    assert (found["daily (2)"].repeats, found["daily (2)"].options) == (0, "group='daily'")
    assert found["bad"].paused_at is not None
    assert "now()" in found["bad"].error
    assert found["daily"].calculate_next_run() == IN_2030 + timedelta(days=1)
    assert found["monthly"].calculate_next_run() == IN_2030.replace(month=2, day=28)


def see_results(queued):
    assert result(queued["path"]) == 7
    assert result_group("later") == [7]
    assert result(queued["object"])[0] == 5
    assert fetch(queued["fails"]).error == "ValueError: after the move"
    assert result(queued["builtin"]) == 4
    chain = Task.objects.filter(group=queued["chain"]).order_by("started", "pk")
    assert [(task.func, task.success) for task in chain] == [
        ("peer_jobs.stand", True), ("peer_jobs.fail", False), ("peer_jobs.add", True),
    ]  # fmt: skip
    assert sorted(result(queued["iteration"])) == [2, 4, 6]


def see_what_schedules_did():
    once, soon = Task.objects.get(group="once"), Task.objects.get(group="soon")
    assert (once.result, soon.result) == (42, 3)
    assert soon.enqueued_at >= datetime.fromisoformat(json.loads(soon.options)["due"])


def test_two_moves_at_the_same_moment_move_everything_once(own_database, tmp_path):
    with connection.schema_editor() as editor:
        for model in (tables.OldTask, tables.OldSchedule, tables.OldQueued):
            editor.create_model(model)
    ids = {old.queued() for _ in range(60)}
    ended = {old.ended() for _ in range(60)}
    for number in range(30):
        old.scheduled(name=f"schedule {number}")

    moves = [own_database.popen("qmigrate_from", "django_q2", "--json", "--batch", "7") for _ in range(2)]
    reports = [json.loads(each.communicate(timeout=60)[0]) for each in moves]

    for part, count in (("queued", 60), ("history", 60), ("schedules", 30)):
        assert sum(report[part]["moved"] for report in reports) == count, reports
        stays = {remark["text"] for report in reports for remark in report[part]["stays"]}
        assert stays <= {MEANWHILE, IS_HERE}
    assert set(OrmQ.objects.values_list("pk", flat=True)) == ids
    assert set(Task.objects.values_list("pk", flat=True)) == ended
    assert sorted(Schedule.objects.values_list("name", flat=True)) == sorted(f"schedule {n}" for n in range(30))
