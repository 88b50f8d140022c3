"""What tasks told their users under django-user-tasks, in our table."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.moving import statuses
from django_q.contrib.user_tasks.moving.users import NO_USER, OTHER_USER
from django_q.contrib.user_tasks.transitions import CHAIN
from django_q.models import Moved
from django_q_tests.contrib.user_tasks.moving import old

pytestmark = pytest.mark.django_db
SAME = ("uuid", "user_id", "task_id", "is_container", "task_class", "name", "state", "created", "modified",
        "completed_steps", "total_steps", "attempts")  # fmt: skip


def ours():
    return [list(model._base_manager.order_by("pk").values()) for model in (UserTaskStatus, UserTaskArtifact, Moved)]


def texts(remarks):
    return {remark["text"]: remark["examples"] for remark in remarks}


# --- what has ended ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["Succeeded", "Failed", "Canceled"])
def test_what_has_ended_is_the_same_here(old_tables, move, state):
    before = old.status("E" * 255, state=state, attempts=4, completed_steps=2, total_steps=32767, task_id="t" * 128)

    report = move()

    status = UserTaskStatus.objects.get()
    assert (report["tasks"]["moved"], report["left"]) == (1, 0)
    assert {name: getattr(status, name) for name in SAME} == {name: getattr(before, name) for name in SAME}
    assert (status.parent, status.error_text) == (None, "")
    status.start() if state != "Canceled" else None
    assert UserTaskStatus.objects.get().state == state


def test_a_container_has_its_children_though_it_was_written_after_them(old_tables, move):
    group = old.container()
    chord = old.container("celery.chord")
    type(group).objects.filter(pk=group.pk).update(parent=chord)
    first = old.status("first", parent=group, task_class="<@task: shop.tasks.export of shop at 0x7fbf798b950>")
    body = old.status("body", parent=chord)

    report = move("--batch", "1")

    found = {row.uuid: row for row in UserTaskStatus.objects.select_related("parent")}
    assert (report["tasks"]["moved"], len(found)) == (4, 4)
    assert found[first.uuid].parent.uuid == group.uuid
    assert found[group.uuid].parent.uuid == found[body.uuid].parent.uuid == chord.uuid
    assert (found[chord.uuid].task_class, found[group.uuid].task_class) == ("chord", "group")
    assert found[first.uuid].task_class == "shop.tasks.export"


def test_a_chain_is_a_chain_and_another_container_keeps_its_class(old_tables, move):
    for task_class in ("celery.chain", "shop.Batch"):
        old.container(task_class)

    move()

    assert list(UserTaskStatus.objects.order_by("pk").values_list("task_class", flat=True)) == [CHAIN, "shop.Batch"]


def test_without_time_zones_moments_are_moved_as_they_stand(old_tables, move, settings):
    settings.USE_TZ = False
    made = old.MADE.replace(tzinfo=None)
    old.artifact(old.status(created=made, modified=made), created=made, modified=made)

    move()

    assert [(row.created, row.modified) for row in UserTaskStatus.objects.all()] == [(made, made)]
    assert [(row.created, row.modified) for row in UserTaskArtifact.objects.all()] == [(made, made)]


# --- what has not --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["Pending", "In Progress", "Retrying", "Exporting ü"])
def test_what_has_not_ended_stays_with_what_it_made_until_it_has(old_tables, move, state):
    before = old.status(state=state)
    old.artifact(before)

    report = move()

    assert texts(report["tasks"]["stays"]) == {statuses.UNFINISHED: [f"Export ({before.pk})"]}
    assert report["left"] == 2
    assert "pass --include-leased" in report["remarks"][1]
    assert ours() == [[], [], []]
    type(before).objects.update(state="Succeeded")
    assert move()["left"] == 0
    assert UserTaskStatus.objects.get().artifacts.count() == 1


def test_what_has_not_ended_is_failed_if_that_is_asked_for_and_its_user_reads_why(old_tables, move):
    before = old.status(state="Exporting ü", completed_steps=2)

    report = move("--include-leased")

    status = UserTaskStatus.objects.get()
    assert texts(report["tasks"]["notes"]) == {statuses.ENDED_BY_MOVE: [f"Export ({before.pk})"]}
    assert (status.state, status.completed_steps, status.modified) == ("Failed", 2, old.CHANGED)
    error = status.artifacts.get()
    told = "The task was not finished before the system that ran it was replaced."
    assert (error.name, error.text, status.error_text) == ("Error", told, told)


def test_what_ends_there_after_that_is_completed_here(old_tables, move):
    group = old.container(state="In Progress", completed_steps=0)
    before = old.status(state="In Progress", completed_steps=1, parent=group)
    move("--include-leased")
    assert move("--include-leased")["tasks"]["completed"] == 0
    later = old.CHANGED + timedelta(hours=1)
    type(before).objects.filter(pk=before.pk).update(state="Succeeded", completed_steps=3, modified=later, attempts=2)
    old.artifact(before, text="done")
    foretold = move("--dry-run")

    report = move()

    assert {**report, "dry_run": True} == foretold
    assert (report["tasks"]["completed"], report["artifacts"]["moved"]) == (2, 1)
    status, above = (UserTaskStatus.objects.get(uuid=row.uuid) for row in (before, group))
    assert (status.state, status.completed_steps, status.modified, status.attempts) == ("Succeeded", 3, later, 2)
    assert (above.state, above.completed_steps, above.error_text, status.error_text) == ("Succeeded", 3, "", "")
    assert [artifact.text for artifact in UserTaskArtifact.objects.all()] == ["done"]
    assert move()["tasks"]["completed"] == 0


def test_what_somebody_has_reset_here_is_not_completed(old_tables, move):
    before = old.status(state="In Progress")
    move("--include-leased")
    UserTaskStatus.objects.get().reset()
    type(before).objects.update(state="Succeeded")

    report = move()

    assert (report["tasks"]["completed"], UserTaskStatus.objects.get().state) == (0, "Pending")
    assert texts(report["tasks"]["notes"]) == {statuses.GONE: [f"Export ({before.pk})"]}


def test_a_container_stays_with_what_is_in_it(old_tables, move):
    group = old.container(state="In Progress")
    old.status("done", parent=group)
    old.status("runs", parent=group, state="In Progress")

    report = move()

    assert set(texts(report["tasks"]["stays"])) == {statuses.UNFINISHED, statuses.ITS_CONTAINER_STAYS}
    assert (report["tasks"]["left"], ours()) == (3, [[], [], []])


def test_a_task_that_runs_below_a_failed_container_follows_it(old_tables, move):
    group = old.container(state="Failed")
    running = old.status("runs", parent=group, state="In Progress")
    assert move()["tasks"]["left"] == 1
    type(running).objects.filter(pk=running.pk).update(state="Succeeded")

    move()

    assert UserTaskStatus.objects.get(uuid=running.uuid).parent.uuid == group.uuid


@pytest.mark.parametrize(("below", "state"), [
    (["Succeeded", "Succeeded"], "Succeeded"),
    (["Canceled", "Failed"], "Failed"),
    (["Succeeded", "Canceled"], "Canceled"),
])  # fmt: skip
def test_a_container_whose_end_nobody_wrote_ends_as_its_tasks_have(old_tables, move, below, state):
    chord = old.container("celery.chord", state="In Progress", completed_steps=1)
    group = old.container(state="In Progress", parent=chord)
    for each in below:
        old.status(state=each, parent=group)

    report = move()

    assert (report["left"], report["tasks"]["moved"]) == (0, 4)
    assert {row.state for row in UserTaskStatus.objects.filter(is_container=True)} == {state}
    assert len(texts(report["tasks"]["notes"])[statuses.ENDED_BY_CHILDREN]) == 2
    assert UserTaskStatus.objects.get(uuid=chord.uuid).completed_steps == (3 if state == "Succeeded" else 1)


# --- once, and nobody else's ---------------------------------------------------------------------------------------


def test_nothing_is_moved_twice_and_what_is_new_is_moved_then(old_tables, move):
    before = [old.container(), old.status()]
    old.artifact(before[1])
    foretold = move("--dry-run")
    assert ours() == [[], [], []]
    report = move()
    assert {**report, "dry_run": True} == foretold
    rows = ours()
    assert move()["tasks"]["before"] == 2
    assert ours() == rows
    old.artifact(old.status("new", parent=before[0]))

    report = move()

    assert (report["tasks"]["moved"], report["artifacts"]["moved"], report["artifacts"]["before"]) == (1, 1, 1)
    assert UserTaskStatus.objects.get(name="new").parent.uuid == before[0].uuid


def test_what_was_deleted_here_does_not_come_back(old_tables, move):
    group = old.container()
    old.artifact(old.status(parent=group))
    move()
    UserTaskStatus.objects.all().delete()
    old.artifact(old.status(parent=group))

    report = move()

    assert (report["tasks"]["needless"], report["artifacts"]["needless"], report["left"]) == (1, 1, 0)
    assert not UserTaskStatus.objects.exists() and not UserTaskArtifact.objects.exists()


@pytest.mark.parametrize("column", ["task_id", "uuid"])
def test_what_is_here_under_the_same_id_is_not_touched(old_tables, move, column):
    before = old.status()
    own = UserTaskStatus.objects.create(
        user_id=before.user_id, total_steps=1, name="own",
        **{"task_id": "own", "uuid": uuid4(), column: getattr(before, column)},
    )  # fmt: skip

    report = move()

    assert texts(report["tasks"]["stays"]) == {statuses.IS_HERE: [f"Export ({before.pk})"]}
    assert UserTaskStatus.objects.get() == own
    assert UserTaskStatus.objects.get().name == "own"


def test_rows_of_another_database_find_their_users_and_nobody_elses(tables_elsewhere, move):
    for number, name in enumerate(("ann", "eve", "joe"), start=501):
        User.objects.using(tables_elsewhere).create(pk=number, username=name)
        old.status(name, alias=tables_elsewhere, user_id=number, user=User(pk=number))
    User.objects.create(pk=501, username="ann")
    User.objects.create(pk=502, username="bob")

    report = move("--database", tables_elsewhere)

    assert [(row.name, row.user.username) for row in UserTaskStatus.objects.all()] == [("ann", "ann")]
    assert {text: len(found) for text, found in texts(report["tasks"]["stays"]).items()} == {NO_USER: 1, OTHER_USER: 1}
