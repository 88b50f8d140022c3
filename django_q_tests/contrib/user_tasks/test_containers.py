"""Chains and iterations of user tasks."""

import pytest

from django_q.contrib.user_tasks.exceptions import UserFacingError
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.models import OrmQ, Task
from django_q.tasks import async_chain, async_chord, async_iter, result
from django_q.testing import run_all
from django_q_tests.contrib.user_tasks import followed
from django_q_tests.contrib.user_tasks.followed import bare, collects, counts, fails, plain

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return followed.make_user()


def container():
    return UserTaskStatus.objects.get(parent=None)


def states():
    return list(UserTaskStatus.objects.filter(is_container=False).order_by("task_id").values_list("state", flat=True))


def test_a_chain_has_a_row_above_those_of_its_user_tasks(user):
    async_chain(
        [(counts, (user.pk, 2)), (plain, (1,)), (counts, (user.pk,), {"user_task_name": "Nightly"}), (bare, (user.pk,))]
    )

    above = container()
    assert (above.task_class, above.name, above.is_container, above.user) == ("chain", "Nightly", True, user)
    assert (above.total_steps, above.state) == (6, "Pending")
    assert above.task_id == OrmQ.objects.first().chain
    assert sorted(above.children.values_list("name", "total_steps")) == [
        ("Count to 2", 2),
        ("Count to 3", 3),
        ("bare", 1),
    ]


def test_a_chain_runs_and_succeeds_at_its_end(user):
    async_chain([(counts, (user.pk, 2)), (plain, (1,)), (counts, (user.pk, 3))])
    assert container().name == "Count to 2"

    run_all()

    assert (container().state, container().completed_steps) == ("Succeeded", 5) and states() == ["Succeeded"] * 2


def test_the_steps_after_a_failure_end_as_canceled_and_the_chain_has_failed(user):
    async_chain([(bare, (user.pk,)), (fails, (user.pk, "It is empty."), {"user_facing": True}), (bare, (user.pk,))])

    run_all()

    assert states() == ["Succeeded", "Failed", "Canceled"] and container().state == "Failed"
    assert container().artifacts.get().text == "It is empty." and UserTaskArtifact.objects.count() == 3


def test_an_iteration_is_a_group(user):
    whole = async_iter(counts, [(user.pk, 1), (user.pk, 2), (user.pk, 3)], user_task_name="All of them")

    above = container()
    assert (above.task_id, above.task_class, above.name, above.total_steps) == (whole, "group", "All of them", 6)
    run_all()
    assert container().state == "Succeeded" and states() == ["Succeeded"] * 3
    assert Task.objects.get(pk=whole).success


def test_plain_tasks_have_no_containers():
    async_chain([plain, (plain, (1,))])
    async_iter(plain, [1, 2, 3])
    run_all()

    assert not UserTaskStatus.objects.exists()


def test_a_chain_without_a_user_leaves_nothing(user):
    with pytest.raises(TypeError):
        async_chain([(bare, (user.pk,)), (bare, (4711,))])

    assert not UserTaskStatus.objects.exists() and not OrmQ.objects.exists()


def test_a_chain_in_sync_mode_ends_like_any_other(user):
    async_chain([(counts, (user.pk, 2)), (counts, (user.pk, 3))], sync=True)

    assert container().state == "Succeeded" and container().completed_steps == 5 and states() == ["Succeeded"] * 2


def test_a_chain_in_sync_mode_that_fails_ends_like_any_other(user):
    with pytest.raises(ValueError, match="secret"):
        async_chain([(bare, (user.pk,)), (fails, (user.pk,)), (bare, (user.pk,))], sync=True)

    assert container().state == "Failed" and states() == ["Succeeded", "Failed", "Canceled"]


def test_an_iteration_in_sync_mode_ends_like_any_other(user):
    async_iter(counts, [(user.pk, 1), (user.pk, 2)], sync=True)

    assert container().state == "Succeeded" and states() == ["Succeeded"] * 2


def test_to_cancel_a_chain_empties_the_queue(user):
    async_chain([(bare, (user.pk,)), (plain, (1,)), (bare, (user.pk,))])

    container().cancel()

    assert not OrmQ.objects.exists() and container().state == "Canceled" and states() == ["Canceled"] * 2
    assert set(Task.objects.values_list("reason", flat=True)) == {"canceled"} and Task.objects.count() == 3


def test_to_cancel_a_step_cancels_those_after_it(user):
    async_chain([(bare, (user.pk,)), (bare, (user.pk,)), (bare, (user.pk,))])
    first, second, third = UserTaskStatus.objects.filter(is_container=False).order_by("task_id")

    second.cancel()
    assert states() == ["Pending", "Canceled", "Canceled"] and container().state == "Pending"

    run_all()
    assert states() == ["Succeeded", "Canceled", "Canceled"] and container().state == "Canceled"


def test_to_cancel_an_iteration_empties_the_queue(user):
    whole = async_iter(counts, [(user.pk, 1), (user.pk, 2)])

    container().cancel()

    assert not OrmQ.objects.exists() and states() == ["Canceled"] * 2
    assert Task.objects.get(pk=whole).reason == "canceled"


def chord_of(calls, final, **options):
    """Enqueue a chord; return the rows of chord and group, None for what is not there."""
    async_chord(counts, calls, final, **options)
    rows = UserTaskStatus.objects
    return rows.filter(task_class="chord").first(), rows.filter(task_class="group").first()


def test_a_chord_has_a_row_above_those_of_its_group_and_of_its_final_task(user):
    chord, group = chord_of([(user.pk, 1), (user.pk, 2)], (collects, (user.pk, 4)))

    assert (chord.parent, group.parent, chord.is_container, group.is_container) == (None, chord, True, True)
    assert (chord.total_steps, group.total_steps, chord.state, group.state) == (7, 3, "Pending", "Pending")
    final = OrmQ.objects.get(func__endswith="collects")
    assert (chord.task_id, group.task_id) == (final.chain, final.waits_for)
    assert sorted(group.children.values_list("name", flat=True)) == ["Count to 1", "Count to 2"]
    assert sorted(chord.children.values_list("name", flat=True)) == ["Count to 1", "Count to 4"]
    assert {chord.name, group.name} == {"Count to 1"}


def test_a_chord_is_named_by_the_first_that_says_how(user):
    final = (collects, (user.pk, 4), {"user_task_name": "Sums"})
    assert [row.name for row in chord_of([(user.pk, 1)], final)] == ["Sums", "Count to 1"]
    UserTaskStatus.objects.all().delete()
    assert [row.name for row in chord_of([(user.pk, 1)], final, user_task_name="Parts")] == ["Parts", "Parts"]


def test_a_chord_whose_final_task_is_none_of_a_user_has_its_group_only(user):
    chord, group = chord_of([(user.pk, 1), (user.pk, 2)], plain)
    assert list(chord.children.all()) == [group] and chord.total_steps == 3

    run_all()

    assert {row.state for row in UserTaskStatus.objects.all()} == {"Succeeded"}


def test_a_chord_of_which_only_the_final_task_is_one_of_a_user_has_no_group(user):
    task = async_chord(plain, [1, 2], (collects, (user.pk, 1)))
    assert container().task_class == "chord" and container().children.get().task_id == task

    run_all()

    assert container().state == "Succeeded" and container().completed_steps == 1
    assert result(task) == [[(1,), (2,)], 1]


def test_a_chord_of_plain_tasks_has_no_rows():
    async_chord(plain, [1, 2], plain)

    assert not UserTaskStatus.objects.exists()


@pytest.mark.parametrize("sync", [False, True])
def test_a_chord_runs_and_succeeds_at_its_end(user, sync):
    chord, group = chord_of([(user.pk, 1), (user.pk, 2)], (collects, (user.pk, 4)), sync=sync)
    run_all(raise_errors=True)

    assert {row.state for row in UserTaskStatus.objects.all()} == {"Succeeded"}
    assert (container().completed_steps, group.children.count()) == (7, 2)


@pytest.mark.parametrize("sync", [False, True])
def test_a_chord_of_which_a_call_fails_has_failed_and_its_final_task_is_canceled(user, sync):
    try:
        async_chord(fails, [(user.pk, "It is empty.", True)], (collects, (user.pk, 4)), sync=sync)
        run_all()
    except UserFacingError:
        assert sync

    found = dict(UserTaskStatus.objects.values_list("task_class", "state"))
    assert {name.rsplit(".")[-1]: state for name, state in found.items()} == {
        "chord": "Failed", "group": "Failed", "fails": "Failed", "collects": "Canceled",
    }  # fmt: skip
    assert container().artifacts.get().text == "It is empty."


def test_to_cancel_a_chord_empties_the_queue(user):
    chord, group = chord_of([(user.pk, 1), (user.pk, 2)], (collects, (user.pk, 4)))

    chord.cancel()

    assert not OrmQ.objects.exists()
    assert {row.state for row in UserTaskStatus.objects.all()} == {"Canceled"}


def test_to_cancel_a_call_of_a_chord_ends_it_with_the_others(user):
    chord, group = chord_of([(user.pk, 1), (user.pk, 2)], (collects, (user.pk, 4)))
    group.children.order_by("pk").first().cancel()
    run_all()

    states = {row.task_class.rsplit(".")[-1]: row.state for row in UserTaskStatus.objects.order_by("pk")}
    assert states == {"chord": "Canceled", "group": "Canceled", "counts": "Succeeded", "collects": "Canceled"}


def test_many_rows_are_written_with_few_statements(user, django_assert_max_num_queries):
    calls = [(user.pk, 1)] * 50
    with django_assert_max_num_queries(115):  # one for each user, on SQLite two, and some for all
        async_iter(counts, calls)

    assert UserTaskStatus.objects.count() == 51
