"""Schedules as they are made, checked and changed."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import override_settings

from django_q.kernel import clock
from django_q.models import Schedule
from django_q.models.schedule import aware
from django_q.tasks import aschedule, schedule
from django_q.tasks import schedules as schedules_module
from django_q_tests.integration.tasks.functions import Counter, add, seen

pytestmark = pytest.mark.django_db

COPYSIGN = "math.copysign"


def refused(field, *args, **kwargs):
    """Return what is said of a field that cannot be scheduled."""
    with pytest.raises(ValidationError) as raised, transaction.atomic():
        schedule(*(args or (COPYSIGN,)), **kwargs)
    assert list(raised.value.message_dict) == [field]
    return " ".join(raised.value.message_dict[field])


def test_a_schedule_is_stored_with_all_it_was_given():
    made = schedule(
        COPYSIGN, 2, -2, name="sign", hook=seen, schedule_type=Schedule.DAILY, repeats=3, cluster="slow", timeout=60
    )

    row = Schedule.objects.get(name="sign")
    assert (made, row.func, row.args, row.repeats, row.cluster) == (row, COPYSIGN, "2, -2", 3, "slow")
    assert (row.hook, row.options) == ("django_q_tests.integration.tasks.functions.seen", "timeout=60")
    assert abs((aware(row.next_run) - clock.now()).total_seconds()) < 5


def test_without_more_it_runs_once_and_now():
    row = schedule(add, 1)

    assert (row.schedule_type, row.repeats, row.func) == (
        Schedule.ONCE,
        -1,
        "django_q_tests.integration.tasks.functions.add",
    )


def test_arguments_keep_their_types():
    when = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
    row = schedule(add, date(2026, 1, 31), [Decimal("9.90")], second={"at": when})

    assert row.args == "datetime.date(2026, 1, 31), [Decimal('9.90')]"
    assert row.kwargs == "second={'at': datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)}"


def test_a_value_that_cannot_be_kept_as_text_is_refused_with_the_way_out():
    assert "pass the key of an object" in refused("args", add, object())
    assert "pass the key of an object" in refused("kwargs", add, 1, second=object())


def test_options_are_those_of_a_task_and_q_options_works_too():
    row = schedule(add, 1, q_options={"timeout": 5, "cluster": "slow", "hook": "shop.hooks.done", "group": "g"})

    assert (row.options, row.cluster, row.hook) == ("timeout=5, group='g'", "slow", "shop.hooks.done")


@pytest.mark.parametrize(
    "field, words, given",
    [
        ("func", "has no module", {"func": "copysign"}),
        ("hook", "has no module", {"hook": "done"}),
        ("schedule_type", "is not a valid choice", {"schedule_type": "X"}),
        ("minutes", "needs their number", {"schedule_type": "I"}),
        ("minutes", "greater than or equal to 1", {"schedule_type": "I", "minutes": 0}),
        ("cron", "needs an expression", {"schedule_type": "C"}),
        ("cron", "'60' is not a minute", {"schedule_type": "C", "cron": "60 * * * *"}),
        ("cron", "never comes", {"schedule_type": "C", "cron": "0 0 30 2 *"}),
        ("repeats", "-1 for ever", {"repeats": -2}),
        ("intended_date_kwarg", "not the name of a keyword", {"intended_date_kwarg": "a b"}),
        ("intended_date_kwarg", "not the name of a keyword", {"intended_date_kwarg": "class"}),
        ("time_zone", "is no time zone", {"time_zone": "Mars/Olympus"}),
        ("catch_up", "'skip', 'one', 'all'", {"catch_up": "never"}),
        ("name", "at most 100 characters", {"name": "x" * 101}),
        ("next_run", "invalid format", {"next_run": "soon"}),
        ("options", "timeout=-1 cannot be used", {"timeout": -1}),
        ("options", "next_run says when", {"run_after": timedelta(1)}),
    ],
)
def test_what_cannot_be_scheduled_is_refused_by_field(field, words, given):
    func = given.pop("func", COPYSIGN)

    assert words in refused(field, func, **given)


@pytest.mark.parametrize("func", [lambda: 1, Counter(1).plus, 5])
def test_a_function_without_a_path_is_refused(func):
    with pytest.raises((ValidationError, TypeError)):
        schedule(func)


@override_settings(DEBUG=True)
def test_with_debug_a_misspelt_function_is_refused():
    assert "copysing" in refused("func", "math.copysing")
    assert "no_hook" in refused("hook", COPYSIGN, hook="django_q_tests.integration.tasks.functions.no_hook")


def test_a_row_that_is_edited_by_hand_is_checked_alike():
    row = Schedule(func=COPYSIGN, args="1,,", kwargs="x", options="timeout=", cron="x", schedule_type="C")

    with pytest.raises(ValidationError) as raised:
        row.full_clean()

    assert set(raised.value.message_dict) == {"args", "kwargs", "options", "cron"}
    with pytest.raises(ValidationError, match="no option 'timeot'. Did you mean the option 'timeout'"):
        schedules_module.check(Schedule(func=COPYSIGN, options="timeot=5"))


def test_a_name_is_taken_once():
    schedule(COPYSIGN, name="sign")

    with pytest.raises(IntegrityError), transaction.atomic():
        schedule(COPYSIGN, name="sign")
    schedule(COPYSIGN)
    schedule(COPYSIGN)


def test_a_schedule_can_be_replaced_by_its_name():
    first = schedule(COPYSIGN, 1, 2, name="sign", schedule_type="D", repeats=2)
    Schedule.objects.filter(pk=first.pk).pause()

    second = schedule(add, 5, name="sign", replace=True, next_run=datetime(2030, 1, 1, tzinfo=timezone.utc))

    row = Schedule.objects.get(name="sign")
    assert (first.pk, second.pk) == (row.pk, row.pk)
    assert (row.args, row.repeats, row.schedule_type, row.paused_at) == ("5", -1, "O", None)
    assert aware(row.anchor) == aware(row.next_run) == datetime(2030, 1, 1, tzinfo=timezone.utc)


def test_a_moment_without_a_time_zone_is_in_the_current_one():
    row = schedule(COPYSIGN, next_run=datetime(2030, 1, 1, 12))  # noqa: DTZ001

    assert row.next_run.tzinfo is not None


def test_a_new_cron_schedule_begins_with_its_first_moment():
    row = schedule(COPYSIGN, schedule_type="C", cron="0 9 * * *", time_zone="Europe/Berlin")

    assert aware(row.next_run) > clock.now()
    assert {f"{moment:%H:%M}" for moment in row.next_runs(5)} == {"09:00"}


def test_a_cron_schedule_may_begin_later():
    later = clock.now() + timedelta(days=30)

    assert aware(schedule(COPYSIGN, schedule_type="C", cron="* * * * *", next_run=later).next_run) == later


def test_periods_are_counted_from_a_moment_that_was_moved():
    row = schedule(COPYSIGN, schedule_type="M", next_run=datetime(2030, 1, 31, tzinfo=timezone.utc), time_zone="UTC")
    assert [moment.day for moment in row.next_runs(3)] == [31, 28, 31]

    row = Schedule.objects.get(pk=row.pk)
    row.next_run = datetime(2030, 2, 28, tzinfo=timezone.utc)
    row.save()

    assert [moment.day for moment in Schedule.objects.get(pk=row.pk).next_runs(3)] == [28, 28, 28]


def test_the_next_runs_are_as_many_as_are_left():
    assert len(schedule(COPYSIGN, schedule_type="D").next_runs()) == 5
    assert len(schedule(COPYSIGN, schedule_type="D", repeats=2).next_runs()) == 2
    assert len(schedule(COPYSIGN).next_runs()) == 1
    assert schedule(COPYSIGN, schedule_type="D", repeats=0).next_runs() == []


def test_the_time_zone_is_that_of_the_row_then_that_of_the_settings_then_djangos(settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    assert str(Schedule().zone()) == "Asia/Tokyo"
    settings.Q_CLUSTER = {"time_zone": "America/Lima"}
    assert str(Schedule().zone()) == "America/Lima"
    assert str(Schedule(time_zone="Europe/Rome").zone()) == "Europe/Rome"


def test_the_next_moment_is_computed_as_in_django_q():
    row = schedule(COPYSIGN, schedule_type="H", next_run=datetime(2030, 1, 1, 5, 30, tzinfo=timezone.utc))

    assert aware(row.calculate_next_run()) == datetime(2030, 1, 1, 6, 30, tzinfo=timezone.utc)
    later = datetime(2030, 1, 1, 9, 30, tzinfo=timezone.utc)
    assert aware(row.calculate_next_run(later)) == later + timedelta(hours=1)
    assert schedule(COPYSIGN).calculate_next_run() is None


def test_a_coroutine_makes_a_schedule():
    assert async_to_sync(aschedule)(add, 1, name="later").name == "later"
