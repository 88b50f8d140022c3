"""One call tells the user and the cluster: what qrun, qmonitor and the admin of the core show is the same."""

import pytest

from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.contrib.user_tasks.snapshots import look_at
from django_q.contrib.user_tasks.tasks import UserTask
from django_q.tasks import current_task, progress_of, shared_task
from django_q.testing import run_all
from django_q_tests.contrib.user_tasks import followed

pytestmark = [pytest.mark.once, pytest.mark.django_db]


@shared_task(base=UserTask, bind=True)
def tells(self, user_id, do):
    """Tell in the ways that a test wants, and return what the cluster and the page know then."""
    for name, *arguments in do:
        if name == "progress":
            current_task().progress(*arguments)
        else:
            getattr(self.status, name)(*arguments)
    return current_task().told


@shared_task(base=UserTask)
def counts_otherwise(user_id):
    """Know nothing of user tasks, and return what a page is told meanwhile."""
    current_task().progress(420, 1000, "order 420")
    (facts,) = look_at([UserTaskStatus.objects.get().uuid]).values()
    return facts.done, facts.total, facts.percent, facts.state


@pytest.fixture
def user():
    return followed.make_user()


@pytest.mark.parametrize(
    ("do", "told"),
    [
        ([], None),
        ([("set_state", "Counting")], (0, 1, "Counting")),
        ([("increment_total_steps", 3), ("increment_completed_steps", 2)], (2, 4, None)),
        ([("increment_total_steps", 3), ("set_state", "Counting"), ("increment_completed_steps",)], (1, 4, "Counting")),
        ([("progress", 420, 1000), ("set_state", "Counting")], (420, 1000, "Counting")),
        ([("progress", 420, 1000), ("increment_completed_steps",)], (1, 1, None)),
        ([("increment_completed_steps", 1), ("succeed",)], (1, 1, None)),
    ],
)
def test_the_cluster_is_told_what_the_user_is_told(user, do, told):
    task = tells.delay(user.pk, do)
    run_all(raise_errors=True)

    assert task.get() == told
    found = progress_of(task)
    assert (found and (found.done, found.total, found.message or None)) == told


def test_the_user_is_told_what_the_cluster_is_told(user):
    task = counts_otherwise.delay(user.pk)
    run_all(raise_errors=True)

    assert task.get() == (420, 1000, 42, "order 420")
    row = UserTaskStatus.objects.get()
    assert (row.state, row.completed_steps, row.total_steps) == ("Succeeded", 1, 1)


def test_another_row_than_that_of_the_task_tells_nothing(user):
    other = UserTaskStatus.objects.create(user=user, task_id="other", total_steps=3)
    other.increment_completed_steps()

    task = tells.delay(user.pk, [])
    other.increment_completed_steps()
    run_all(raise_errors=True)

    assert progress_of(task) is None
