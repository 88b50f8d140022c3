"""Chains and iterations of user tasks."""

import pytest

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.models import OrmQ, Task
from django_q.tasks import async_chain, async_iter
from django_q.testing import run_all
from django_q_tests.contrib.user_tasks import followed
from django_q_tests.contrib.user_tasks.followed import bare, counts, fails, plain

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


def test_many_rows_are_written_with_few_statements(user, django_assert_max_num_queries):
    calls = [(user.pk, 1)] * 50
    with django_assert_max_num_queries(115):  # one for each user, on SQLite two, and some for all
        async_iter(counts, calls)

    assert UserTaskStatus.objects.count() == 51
