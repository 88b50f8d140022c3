"""``qmigrate_from background_task``: what it refuses, and how it says what it did."""

import io
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from django_q.contrib.background.models import CompletedTask, Task
from django_q.kernel.states import TaskState
from django_q.management.preconditions import require_tables
from django_q.models import OrmQ
from django_q_tests.contrib.background.moving import old
from django_q_tests.integration.moving.old import moment
from django_q_tests.support.own_database import ROOT


def qmigrate_from(*words):
    output = io.StringIO()
    call_command("qmigrate_from", "background_task", *words, stdout=output)
    return output.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(("words", "said"), [
    (["--trust-pickles"], "--trust-pickles means nothing to background_task: its rows hold JSON"),
    (["--name", "old"], "--name means nothing to background_task"),
])  # fmt: skip
def test_options_that_mean_nothing_are_refused(words, said):
    with pytest.raises(CommandError, match=said):
        qmigrate_from(*words)


def manage(folder, apps, *words):
    """Run a command of a project with these applications and an empty database."""
    (folder / "shop_settings.py").write_text(
        f"SECRET_KEY = 'x'\nUSE_TZ = True\nINSTALLED_APPS = {apps!r}\n"
        "DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'\n"
        f"DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': {str(folder / 'shop.db')!r}}}}}\n"
    )
    environment = {"PYTHONPATH": f"{ROOT}:{folder}", "DJANGO_SETTINGS_MODULE": "shop_settings"}
    return subprocess.run(
        [sys.executable, "-m", "django", *words], env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.once
def test_without_the_application_it_is_told_what_to_install(tmp_path):
    done = manage(tmp_path, ["django_q"], "qmigrate_from", "background_task")

    said = "'background_task' comes with an application: add \"django_q.contrib.background\" to INSTALLED_APPS"
    assert done.returncode and said in done.stderr
    shown = " ".join(manage(tmp_path, ["django_q"], "qmigrate_from", "--help").stdout.split())
    assert 'django_q, django_q2, background_task (with "django_q.contrib.background" in INSTALLED_APPS)' in shown


@pytest.mark.once
def test_a_module_of_tasks_that_cannot_be_imported_is_told_before_anything_is_moved(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "tasks.py").write_text("import stamps_and_ink\n")
    apps = ["django.contrib.contenttypes", "django_q", "django_q.contrib.background", "shop"]
    manage(tmp_path, apps, "migrate")
    make_tables = (
        "import django; django.setup()\nfrom django.db import connection\n"
        "from django_q.contrib.background.moving.tables import OldCompleted, OldPending\n"
        "with connection.schema_editor() as editor:\n"
        "    editor.create_model(OldPending); editor.create_model(OldCompleted)\n"
    )
    manage(tmp_path, apps, "shell", "-c", make_tables)

    done = manage(tmp_path, apps, "qmigrate_from", "background_task")

    assert done.returncode == 1, done.stderr
    assert "The tasks of the application 'shop' cannot be imported from 'shop.tasks'" in done.stderr
    assert "No module named 'stamps_and_ink'" in done.stderr


def test_a_database_without_the_old_tables_is_told(another_database):
    with pytest.raises(CommandError, match="'old' has no table background_task and no table .* with --database"):
        qmigrate_from("--database", another_database)


def test_tables_of_something_else_are_told_by_the_columns_that_they_lack(tables_elsewhere):
    with connections[tables_elsewhere].cursor() as cursor:
        cursor.execute("ALTER TABLE background_task DROP COLUMN repeat_until")

    lacking = "background_task is not that of django-background-tasks: it has no column repeat_until"
    with pytest.raises(CommandError, match=lacking):
        qmigrate_from("--database", tables_elsewhere)


def test_our_own_tables_have_to_be_there(another_database):
    call_command("migrate", "django_q", database=another_database, verbosity=0)

    require_tables(another_database)
    with pytest.raises(CommandError, match="The tables of django_q_background are missing in 'old'. Run: manage.py"):
        require_tables(another_database, "django_q_background")


# --- locks ---------------------------------------------------------------------------------------------------------


def test_locked_rows_are_a_refusal_for_as_long_as_a_lock_is_believed(move, settings):
    settings.MAX_RUN_TIME = 600
    old.pending(locked_by="4711", locked_at=moment(-601))
    locked = old.pending(old.BARE, 1, 2, locked_by="4712", locked_at=moment(-500), verbose_name="locked")

    with pytest.raises(CommandError, match="1 queued rows are locked, the last until .* pass --include-leased"):
        qmigrate_from()
    assert not OrmQ.objects.exists()
    report = move("--include-leased")

    [note] = report["queued"]["notes"]
    assert note["text"] == "it was locked: it begins when that lock ends"
    assert note["examples"] == [f"{old.BARE} ({locked})"]
    assert "1 queued rows are locked" in report["remarks"][1]
    task, free = Task.objects.get(verbose_name="locked"), Task.objects.get(verbose_name=None)
    assert abs((task.run_at - moment(100)).total_seconds()) < 30
    assert (task.entry.state, free.entry.state) == (TaskState.DEFERRED, TaskState.READY)
    assert abs((task.scheduled_for - moment(-5)).total_seconds()) < 30


def test_a_lock_without_a_moment_is_believed_until_somebody_says_otherwise(move):
    old.pending(locked_by="4711")

    with pytest.raises(CommandError, match="1 queued rows are locked. A process_tasks"):
        qmigrate_from()
    move("--include-leased")

    assert OrmQ.objects.get().state == TaskState.READY


# --- what it says --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_report_is_lines_for_people(old_tables, settings):
    settings.Q_CLUSTER = {"keep_successes": 3600}
    old.pending(queue="mails")
    old.completed(run_at=moment(-7200))
    old.completed(run_at=moment(-60))

    lines = qmigrate_from("--dry-run").splitlines()

    assert lines[0] == (
        "What a move would do (nothing was written): django-background-tasks, tables in the database 'default'"
    )
    assert lines[1] == "Queued tasks: 1 found, 1 moved, 0 moved before, 0 not moved"
    assert lines[2] == "History: 2 found, 2 moved, 0 moved before, 0 not moved"
    assert lines[3].startswith("No process_tasks of the old package may run any more")
    assert lines[4].startswith("Tasks wait in queues that Q_CLUSTER['queues'] does not name: 'mails'.")
    assert lines[5].startswith("1 successes ended longer ago than Q_CLUSTER['keep_successes'] keeps them")
    assert len(lines) == 6
    assert qmigrate_from().startswith("Moved in: django-background-tasks")


def test_queues_that_a_cluster_serves_are_no_remark(move, settings):
    settings.Q_CLUSTER = {"queues": ["default", "mails"]}
    old.pending(queue="mails")
    old.pending(queue="")

    assert len(move()["remarks"]) == 1
    assert set(OrmQ.objects.values_list("queue", flat=True)) == {"mails", "default"}


def test_an_order_that_is_said_in_two_ways_is_remarked_on(move, settings):
    settings.BACKGROUND_TASK_PRIORITY_ORDERING = "ASC"
    settings.Q_BACKGROUND = {"priority_ordering": "DESC"}
    old.pending(priority=5)

    [_, remark] = move()["remarks"]

    assert "moved rows keep the order that they had, and their priorities are shown with the other sign" in remark
    assert (OrmQ.objects.get().priority, Task.objects.get().priority) == (-5, -5)


def test_everything_is_moved_from_another_database(tables_elsewhere, move):
    old.pending(old.BARE, 1, alias=tables_elsewhere)
    old.completed(old.BARE, 2, alias=tables_elsewhere)

    report = move("--database", tables_elsewhere)

    assert (report["database"], report["queued"]["moved"], report["history"]["moved"]) == ("old", 1, 1)
    assert (Task.objects.get().params()[0], CompletedTask.objects.get().params()[0]) == ([1], [2])
    assert move("--database", tables_elsewhere)["queued"]["before"] == 1
    assert move()["queued"]["found"] == 0
