"""Progress is one row for each task, written whether there was one or not, and goes when its task has gone."""

from datetime import timedelta

import pytest

from django_q.kernel import ids
from django_q.kernel.messages import Advance
from django_q.models import Progress, Task
from django_q.models.dialects import dialect_for
from django_q.tasks import async_task
from django_q_tests.support import factories

pytestmark = pytest.mark.django_db


def advances(many, done=1.0, total=10.0, message="at work"):
    return [Advance(id, done, total, message) for id in many]


def new_ids(count):
    return [ids.new_id() for _ in range(count)]


def note_old(many, seconds=7200):
    Progress.objects.note(advances(many))
    Progress.objects.filter(pk__in=many).update(updated_at=dialect_for("default").later_expression(-seconds))


def stored():
    return {row.pk: (row.done, row.total, row.message) for row in Progress.objects.all()}


def test_the_first_values_make_a_row_and_later_ones_replace_all_of_it():
    one, other = new_ids(2)

    Progress.objects.note(advances([one, other]))
    Progress.objects.note([Advance(one, 0.5, None, "żółw 🐢")])

    assert stored() == {one: (0.5, None, "żółw 🐢"), other: (1, 10, "at work")}


def test_each_value_has_the_moment_of_the_database_at_which_it_was_written():
    [one] = new_ids(1)
    note_old([one])

    Progress.objects.note(advances([one]))

    row = Progress.objects.annotate(now=dialect_for("default").now_expression()).get()
    assert timedelta(0) <= row.now - row.updated_at < timedelta(seconds=5)


def test_numbers_are_kept_as_exactly_as_they_are_counted():
    one, other, least = new_ids(3)

    Progress.objects.note(
        [Advance(one, 2.0**53, 1e300, ""), Advance(other, 0.1, 0.3, ""), Advance(least, 0.0, 5e-300, "")]
    )

    assert stored() == {one: (2.0**53, 1e300, ""), other: (0.1, 0.3, ""), least: (0.0, 5e-300, "")}


def test_many_rows_take_few_statements(django_assert_max_num_queries):
    many = new_ids(1000)
    Progress.objects.note(advances(many[:500]))

    # SQLite takes fewer values in one statement.
    with django_assert_max_num_queries(14):
        Progress.objects.note(advances(many, done=2.0))

    assert Progress.objects.filter(done=2).count() == 1000


def test_of_two_values_of_one_task_the_later_one_is_written():
    [one] = new_ids(1)

    Progress.objects.note([*advances([one]), *advances([one], done=2.0)])

    assert stored() == {one: (2, 10, "at work")}


def test_nothing_to_write_asks_nothing_of_the_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        Progress.objects.note([])


def test_rows_go_whose_task_is_neither_queued_nor_in_the_history():
    queued = factories.put(1, 2)
    ended = async_task("math.copysign", 2, -2, sync=True)
    gone = async_task("math.copysign", 2, -2, sync=True)
    Task.objects.get(pk=gone).delete()
    note_old([queued, ended, gone])

    assert Progress.objects.sweep("", 100) == ("", 1)

    assert set(stored()) == {queued, ended}


def test_a_row_stays_for_an_hour_whatever_became_of_its_task():
    inline, forgotten = new_ids(2)
    note_old([inline], 3500)
    note_old([forgotten], 3700)

    Progress.objects.sweep("", 100)

    assert set(stored()) == {inline}


def test_a_sweep_looks_at_a_few_rows_at_a_time_and_begins_again_at_the_end():
    kept = [factories.put(1, 2) for _ in range(3)]
    gone = new_ids(4)
    note_old([*kept, *gone])

    place, seen = "", []
    for _ in range(3):
        place, deleted = Progress.objects.sweep(place, 3)
        seen.append(deleted)

    assert (seen, place) == ([0, 3, 1], "")
    assert set(stored()) == set(kept)


def test_a_sweep_costs_few_queries_whatever_there_is(django_assert_max_num_queries):
    note_old([*(factories.put(1, 2) for _ in range(20)), *new_ids(200)])

    with django_assert_max_num_queries(7):  # with the marks of the transaction around the deletion
        Progress.objects.sweep("", 1000)
