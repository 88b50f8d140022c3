"""``manage.py qmigrate_from``: what it refuses, and how it says what it did."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from django_q.kernel.states import TaskState
from django_q.management.moving import tables
from django_q.models import OrmQ, Schedule, Task
from django_q_tests.integration.moving import old


def qmigrate_from(*words):
    output = io.StringIO()
    call_command("qmigrate_from", *words, stdout=output)
    return output.getvalue()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["django-q2"], "'django-q2' is not known; did you mean 'django_q2'?"),
        (["celery"], "'celery' is not known; did you mean"),
        (["django_q2", "--batch", "0"], "'0' is not a number of rows; write 1 to 10000"),
        (["django_q2", "--batch", "many"], "'many' is not a number of rows"),
        ([], "the following arguments are required: SOURCE"),
    ],
)
def test_a_command_line_that_cannot_be_used_is_refused(words, said):
    with pytest.raises(CommandError, match=said.replace("?", r"\?")):
        qmigrate_from(*words)


@pytest.mark.django_db
def test_a_database_that_is_not_in_the_settings_is_refused():
    with pytest.raises(CommandError, match="There is no database 'olds' in DATABASES. Choose one of 'default'"):
        qmigrate_from("django_q2", "--database", "olds")


@pytest.fixture
def another_database(db, tmp_path):
    """A second database, in which the old tables are made without some of their columns."""
    wanted = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "old.sqlite3"), "OPTIONS": {}}
    connections.databases["old"] = {**connections.databases["default"], **wanted}

    def make(**without):
        with connections["old"].schema_editor() as editor:
            for model in (tables.OldTask, tables.OldSchedule, tables.OldQueued):
                editor.create_model(model)
        with connections["old"].cursor() as cursor:
            for table, names in without.items():
                for name in names:
                    cursor.execute(f"ALTER TABLE {table} DROP COLUMN {name}")

    try:
        connections["old"].connect()  # the alias came after the test had been allowed its own
        yield make
    finally:
        connections["old"].close()
        del connections["old"]
        del connections.databases["old"]


def test_a_database_without_the_old_tables_is_told_and_what_to_do(another_database):
    with pytest.raises(CommandError, match="'old' has no table django_q_task and no table .* with --database"):
        qmigrate_from("django_q2", "--database", "old")


OF_Q2 = {"django_q_task": ["cluster"], "django_q_schedule": ["intended_date_kwarg"]}


def test_tables_of_neither_package_are_refused_by_the_columns_that_they_lack(another_database):
    another_database(django_q_task=["hook", "stopped"])

    lacking = "django_q_task is neither Django Q's nor .* no column hook and no column stopped"
    with pytest.raises(CommandError, match=lacking):
        qmigrate_from("django_q2", "--database", "old")


@pytest.mark.parametrize(
    ("asked", "columns", "right"), [("django_q2", OF_Q2, "django_q"), ("django_q", {}, "django_q2")]
)
def test_tables_of_the_other_package_are_refused_with_its_name(another_database, asked, columns, right):
    another_database(**columns)

    with pytest.raises(CommandError, match=f"by their columns. Run: manage.py qmigrate_from {right}$"):
        qmigrate_from(asked, "--database", "old")


def test_tables_of_an_early_django_q_in_another_database_are_moved(another_database):
    schedule = ["intended_date_kwarg", "cron", "cluster"]
    another_database(django_q_task=["cluster", "attempt_count"], django_q_schedule=schedule)
    with connections["old"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_q_task (id, name, func, started, stopped, success)"
            " VALUES ('5', 'one', 'a.b', '2026-11-01 10:00:00', '2026-11-01 10:00:01', 1)"
        )
        cursor.execute(
            "INSERT INTO django_q_schedule (func, schedule_type, repeats, next_run)"
            " VALUES ('a.b', 'D', -3, '2030-11-01 10:00:00')"
        )

    for moved in (1, 0):
        assert f"History: 1 found, {moved} moved" in qmigrate_from("django_q", "--database", "old")

    assert (Task.objects.get().pk, Task.objects.get().attempt_count) == ("5", 1)
    assert (Schedule.objects.get().repeats, Schedule.objects.get().next_run.year) == (-1, 2030)


def test_what_django_q_took_is_leased_for_as_long_as_it_retries(another_database, settings):
    """There the lock of a row is the moment at which it was taken; of one that nobody took, so long before that."""
    settings.Q_CLUSTER = {"retry": 100}
    another_database(**OF_Q2)
    alias = "old"
    for seconds in (-101, -40):
        lock = old.moment(seconds)
        tables.OldQueued.objects.using(alias).create(key="default", payload=old.signed(old.package()), lock=lock)

    with pytest.raises(CommandError, match="1 queued rows are leased"):
        qmigrate_from("django_q", "--database", alias)
    assert "Queued tasks: 2 found, 2 moved" in qmigrate_from("django_q", "--database", alias, "--include-leased")

    [deferred] = OrmQ.objects.filter(state=TaskState.DEFERRED)
    assert abs((deferred.run_after - old.moment(60)).total_seconds()) < 30
    assert OrmQ.objects.filter(state=TaskState.READY).count() == 1


@pytest.mark.django_db
def test_the_report_is_lines_for_people(old_tables):
    for _ in range(7):
        old.ended()
    old.queued()

    lines = qmigrate_from("django_q2").splitlines()

    assert lines[0] == "Moved in: Django Q2, tables in the database 'default'"
    assert lines[1] == "Queued tasks: 1 found, 1 moved, 0 moved before, 0 not moved"
    assert lines[2] == "History: 7 found, 7 moved, 0 moved before, 0 not moved"
    assert lines[3].startswith("  note       7: without arguments, result and error") and lines[3].endswith(", …)")
    assert any("No old cluster may run any more" in line for line in lines)
    assert qmigrate_from("django_q2", "--dry-run").startswith("What a move would do (nothing was written)")


@pytest.mark.django_db
def test_it_exits_with_1_if_something_was_not_moved(old_tables):
    old.queued(salt="another site")

    with pytest.raises(SystemExit, match="1"):
        qmigrate_from("django_q2")
