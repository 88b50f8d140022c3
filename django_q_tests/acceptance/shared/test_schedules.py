"""Statements 57 to 64: schedules. They were stored when the cluster started; Django Q2 fires twice a minute."""

from datetime import datetime, timedelta, timezone

import pytest
from django.core.exceptions import ValidationError

from django_q.models import Schedule, Task

statement = pytest.mark.statement
WITHIN = 75.0


@pytest.fixture
def fired(cluster, schedules, until):
    """Wait for the tasks of a schedule."""

    def fired(name):
        return until(lambda: list(Task.objects.filter(group=name).order_by("started")), within=WITHIN)

    return fired


@statement("57")
@pytest.mark.parametrize(
    "kind, following",
    [
        ("I", (2026, 3, 10, 6, 37)), ("H", (2026, 3, 10, 7, 30)), ("D", (2026, 3, 11, 6, 30)),
        ("W", (2026, 3, 17, 6, 30)), ("BW", (2026, 3, 24, 6, 30)), ("M", (2026, 4, 10, 6, 30)),
        ("BM", (2026, 5, 10, 6, 30)), ("Q", (2026, 6, 10, 6, 30)), ("Y", (2027, 3, 10, 6, 30)),
    ],
)  # fmt: skip
def test_each_kind_has_its_distance(kind, following):
    start = datetime(2026, 3, 10, 6, 30, tzinfo=timezone.utc)
    row = Schedule(func="math.floor", schedule_type=kind, minutes=7, next_run=start)

    assert row.calculate_next_run() == datetime(*following, tzinfo=timezone.utc)


@statement("57")
def test_the_names_of_the_kinds_are_those_of_the_peer():
    kinds = {
        "ONCE": "O", "MINUTES": "I", "HOURLY": "H", "DAILY": "D", "WEEKLY": "W", "BIWEEKLY": "BW", "MONTHLY": "M",
        "BIMONTHLY": "BM", "QUARTERLY": "Q", "YEARLY": "Y", "CRON": "C",
    }  # fmt: skip
    assert {name: getattr(Schedule, name) for name in kinds} == kinds
    assert {code for code, _ in Schedule.TYPE} == set(kinds.values())


@statement("60")
def test_a_cron_expression_is_checked_and_gives_the_first_run():
    with pytest.raises(ValidationError):
        Schedule(name="bad", func="math.floor", schedule_type="C", cron="61 * * * *").full_clean()
    row = Schedule.objects.create(name="good", func="math.floor", schedule_type="C", cron="0 22 * * 1-5")
    row.refresh_from_db()

    assert row.next_run > datetime.now(timezone.utc)
    assert (row.next_run.hour, row.next_run.minute) == (22, 0) and row.next_run.weekday() < 5


@statement("58")
def test_one_that_runs_once_is_deleted_and_one_that_counts_is_kept(fired, until):
    assert fired("once")[0].result == ((1, "two"), {"three": 3.5})
    fired("kept")

    until(lambda: not Schedule.objects.filter(name="once").exists())
    assert until(lambda: Schedule.objects.filter(name="kept", repeats=0).first())


@statement("58")
def test_repeats_count_down_and_none_are_left_for_a_pause(fired):
    fired("daily")

    assert Schedule.objects.get(name="daily").repeats < 5
    assert Schedule.objects.get(name="paused").repeats == 0
    assert not Task.objects.filter(group="paused").exists()


@statement("59")
def test_a_missed_run_is_made_up_for(fired, schedules):
    fired("minutes")

    assert Schedule.objects.get(name="minutes").next_run > schedules["minutes"][1] + timedelta(seconds=59)


@statement("61")
def test_the_function_gets_the_moment_that_was_meant(fired, schedules):
    (task,) = fired("intended")

    assert datetime.fromisoformat(task.result) == schedules["intended"][1]


@statement("62")
def test_a_schedule_of_another_cluster_and_one_with_options(fired, until, lines):
    task = fired("chosen")[0]

    assert (task.group, task.hook) == ("chosen", "acceptance_jobs.hook")
    until(lambda: any(line.startswith(task.id) for line in lines("hooked")))
    assert not Task.objects.filter(group="other").exists()


@statement("63")
def test_a_schedule_knows_its_task(fired, schedules, until):
    fired("fails"), fired("kept")
    kept = Schedule.objects.get(name="kept")

    assert kept.task == fired("kept")[0].id
    assert (kept.success(), Schedule.objects.get(name="fails").success()) == (True, False)
    assert fired("kept")[0].id in kept.last_run()


@statement("64")
def test_arguments_are_read_from_their_text(fired):
    assert fired("literal")[0].result == ((1, 2, "x"), {"a": 1})
    assert fired("dict")[0].result == ((5,), {"b": 2})
