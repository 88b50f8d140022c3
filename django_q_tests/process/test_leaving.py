"""A worker that should have gone holds nothing up."""

import pytest

from django_q.models import Task
from django_q_tests.support.clusters import Drill

pytestmark = pytest.mark.methods


def test_a_worker_that_a_thread_keeps_from_leaving_is_killed_and_its_tasks_go_on(drill: Drill):
    cluster = drill.start(workers=1, recycle=1)
    calls = [drill.enqueue("mishaps.leave_thread", drill.file()) for _ in range(3)]

    drill.until_ended(*calls, within=30)

    assert cluster.says("was done and did not end")
    workers = set(Task.objects.values_list("worker", flat=True))
    assert len(workers) == 3
    assert len(drill.lines()) == 3


def test_a_worker_that_a_thread_keeps_from_leaving_does_not_hold_up_the_end_of_the_cluster(drill: Drill):
    cluster = drill.start(workers=1)
    drill.until_ended(drill.enqueue("mishaps.leave_thread", drill.file()))

    assert cluster.stop() == 0
