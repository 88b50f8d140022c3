"""Databases that the real django-user-tasks filled, moved; and moves that die in the middle."""

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from django_q.contrib.user_tasks import receivers
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.moving import statuses, tables
from django_q.management.moving.writing import MEANWHILE
from django_q.models import Moved
from django_q_tests.contrib.user_tasks.moving import old
from django_q_tests.support.eventually import eventually
from django_q_tests.support.own_database import OwnDatabase
from django_q_tests.support.peers import fill

pytestmark = pytest.mark.databases
OLD_TABLES = ("user_tasks_usertaskstatus", "user_tasks_usertaskartifact")
KEPT = ("user_id", "task_id", "is_container", "name", "state", "completed_steps", "total_steps", "attempts")
MOMENTS = ("created", "modified")
OPEN = {"Exporting ü", "Retrying", "Pending"}


class Filled:
    """A database that the real package filled, beside our tables."""

    def __init__(self, database: OwnDatabase, folder: Path) -> None:
        found = fill("django-user-tasks", database, folder, "user_tasks_fill.py")
        self.tasks: dict[int, dict[str, Any]] = {row["id"]: row for row in found["tasks"]}
        self.artifacts: list[dict[str, Any]] = found["artifacts"]


def move(*options: str) -> dict[str, Any]:
    output = io.StringIO()
    try:
        call_command("qmigrate_from", "user_tasks", "--json", *options, stdout=output)
    except SystemExit as stop:
        assert stop.code == 1
    return dict(json.loads(output.getvalue()))


def old_rows() -> list[list[Any]]:
    with connection.cursor() as cursor:
        found = []
        for table in OLD_TABLES:
            cursor.execute(f"SELECT * FROM {table} ORDER BY id")
            found.append(cursor.fetchall())
    return found


def our_rows() -> list[list[Any]]:
    """All that a move writes."""
    return [
        list(model._base_manager.order_by("pk").values_list()) for model in (UserTaskStatus, UserTaskArtifact, Moved)
    ]


@pytest.fixture
def filled(own_database, tmp_path, settings) -> Filled:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return Filled(own_database, tmp_path)


def test_everything_that_the_real_package_left_is_moved(filled: Filled):
    before, count = old_rows(), len(filled.tasks)
    foretold = move("--dry-run")
    assert our_rows() == [[], [], []]

    first = move("--batch", "3")

    assert {**first, "dry_run": True} == foretold
    assert {remark["text"]: remark["count"] for remark in first["tasks"]["stays"]} == {
        statuses.UNFINISHED: 4, statuses.ITS_CONTAINER_STAYS: 2,
    }  # fmt: skip
    assert {remark["text"]: remark["count"] for remark in first["tasks"]["notes"]} == {statuses.ENDED_BY_CHILDREN: 1}
    assert first["artifacts"] == {**first["artifacts"], "moved": len(filled.artifacts), "notes": [], "left": 0}
    assert any(remark.startswith("1 groups ('support') and 1 users have") for remark in first["remarks"])
    rows = our_rows()
    assert move()["tasks"]["before"] == count - 6
    assert our_rows() == rows
    assert move("--include-leased")["tasks"]["moved"] == 6
    receivers.Sweep()(using="default")
    see_tasks(filled.tasks)
    see_artifacts(filled)
    assert old_rows() == before


def see_tasks(expected: dict[int, dict[str, Any]]) -> None:
    ours = {row.uuid: row for row in UserTaskStatus.objects.select_related("parent")}
    assert len(ours) == len(expected)
    for row in expected.values():
        task = ours[UUID(row["uuid"])]
        kept = {name: getattr(task, name) for name in KEPT}
        if row["name"] == "Stuck":
            row |= {"state": "Succeeded", "completed_steps": 2}
        elif row["state"] in OPEN:
            assert task.artifacts.get().text == task.error_text
            row |= {"state": "Failed"}
        assert kept == {name: row[name] for name in KEPT}
        assert [getattr(task, name) for name in MOMENTS] == [datetime.fromisoformat(row[name]) for name in MOMENTS]
        above = expected.get(row["parent_id"])
        assert (task.parent and str(task.parent.uuid)) == (above and above["uuid"])
        path = row["task_class"].removeprefix("<@task: ").split()[0]
        assert task.task_class == path.removeprefix("celery.")


def see_artifacts(filled: Filled) -> None:
    for row in filled.artifacts:
        artifact = UserTaskArtifact.objects.select_related("status").get(uuid=row["uuid"])
        assert [str(getattr(artifact, name)) for name in ("name", "url", "text", "file")] == [
            row[name] or "" for name in ("name", "url", "text", "file")
        ]
        assert [getattr(artifact, name) for name in MOMENTS] == [datetime.fromisoformat(row[name]) for name in MOMENTS]
        assert str(artifact.status.uuid) == filled.tasks[row["status_id"]]["uuid"]
        if artifact.file:
            with artifact.file as file:
                assert file.read() == b"text"
    assert UserTaskArtifact.objects.exclude(file="").count() == 4


def as_older_versions_of_django_left_it() -> None:
    """Let MariaDB hold UUIDs as text, without dashes, as it did before Django 5."""
    with connection.cursor() as cursor:
        for table in OLD_TABLES:
            cursor.execute(f"ALTER TABLE {table} MODIFY uuid char(36) NOT NULL")
            cursor.execute(f"UPDATE {table} SET uuid = REPLACE(uuid, '-', '')")
            cursor.execute(f"ALTER TABLE {table} MODIFY uuid char(32) NOT NULL")


def test_moves_that_die_and_moves_at_the_same_moment_move_everything_once(own_database, tmp_path):
    with connection.schema_editor() as editor:
        for model in (tables.OldStatus, tables.OldArtifact):
            editor.create_model(model)
    above, made, user = {}, {}, User.objects.create(username="ann")
    for _ in range(30):
        group = old.container(user=user)
        above |= {group.uuid: None, **{old.status(parent=group, user=user).uuid: group.uuid for _ in range(8)}}
        made[old.artifact(group).uuid] = group.uuid
    if connection.vendor == "mysql":
        as_older_versions_of_django_left_it()

    begun = own_database.popen("qmigrate_from", "user_tasks", "--json", "--batch", "1")
    eventually(lambda: UserTaskStatus.objects.exclude(parent=None).count() > 3, within=30)
    begun.kill()
    begun.communicate()
    assert UserTaskStatus.objects.count() < len(above)
    moves = [own_database.popen("qmigrate_from", "user_tasks", "--json", "--batch", "7") for _ in range(2)]
    reports = [json.loads(each.communicate(timeout=60)[0]) for each in moves]
    report = move()

    stays = {remark["text"] for each in reports for remark in each["tasks"]["stays"]}
    assert stays <= {MEANWHILE, statuses.IS_HERE}
    assert (report["tasks"]["before"], report["artifacts"]["before"], report["left"]) == (len(above), len(made), 0)
    assert dict(UserTaskStatus.objects.values_list("uuid", "parent__uuid")) == above
    assert dict(UserTaskArtifact.objects.values_list("uuid", "status__uuid")) == made
