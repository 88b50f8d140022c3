"""Several queues with a cluster each: whoever makes a row ready wakes the cluster that serves it."""

from datetime import timedelta

import pytest

from django_q.models import Task
from django_q.tasks import async_chain, async_task, count_group
from django_q_tests.support.clusters import Drill, path_of

pytestmark = [pytest.mark.databases, pytest.mark.load]
# Seconds between two looks of a cluster that nobody wakes, and what a test waits for at most.
NEVER, SOON = 60.0, 20.0
TOUCH = path_of("touch")


@pytest.fixture
def clusters(drill: Drill):
    """Two clusters, neither of which looks by itself while a test runs."""
    return [drill.start(name=name, poll=NEVER) for name in ("default", "mails")]


def test_steps_of_a_chain_go_from_queue_to_queue_at_once(drill: Drill, clusters):
    places = ["default", "mails"] * 4
    steps = [
        (TOUCH, (drill.file(), str(number)), {"q_options": {"cluster": place}}) for number, place in enumerate(places)
    ]

    group = async_chain(steps)

    drill.until(lambda: count_group(group) == len(steps), within=SOON)
    assert drill.lines() == [str(number) for number in range(len(steps))]
    assert list(Task.objects.order_by("stopped").values_list("cluster", flat=True)) == places
    drill.ids += Task.objects.values_list("pk", flat=True)


def test_what_was_put_off_begins_in_time_whoever_made_it_ready(drill: Drill, clusters):
    drill.ids += [
        async_task(TOUCH, drill.file(), str(number), cluster=place, run_after=timedelta(seconds=0.3 * number))
        for number, place in enumerate(["default", "mails"] * 5)
    ]

    drill.until(lambda: len(drill.lines()) == 10, within=SOON)


def test_what_a_dead_cluster_held_begins_in_the_queue_it_belongs_to(drill: Drill, clusters):
    drill.ids.append(async_task(path_of("mishaps.work_until"), drill.file("held"), drill.file("gate"), cluster="mails"))
    drill.until(lambda: drill.lines("held"))
    clusters[1].kill("sentinel")
    clusters[1].until_gone(within=5)
    drill.start(name="mails", poll=NEVER, lease=60.0)

    drill.until(lambda: len(drill.lines("held")) == 2, within=SOON)
    drill.open_gate()
    drill.until_empty()


# --- one cluster for all -------------------------------------------------------------------------------------------


@pytest.fixture
def everywhere(drill: Drill):
    """A cluster that serves every queue and hardly ever looks by itself."""
    return drill.start(queues=["*"], poll=NEVER)


def touch(drill: Drill, queue: str) -> None:
    drill.ids.append(async_task(TOUCH, drill.file(), queue, cluster=queue))


def test_a_queue_that_appears_while_a_cluster_serves_every_one_is_served_at_once(drill: Drill, everywhere):
    for queue in ("default", "mails", "reports"):
        touch(drill, queue)
        drill.until_line(queue, within=SOON)


def test_a_queue_that_appears_is_served_while_another_one_is_never_empty(drill: Drill):
    drill.start(queues=["*"], workers=1)
    for _ in range(300):
        drill.ids.append(async_task("time.sleep", 0.05, cluster="busy"))
    drill.until(lambda: drill.ended() > 5)
    touch(drill, "late")

    drill.until_line("late")
    assert drill.ended() < 300


def test_within_each_queue_priority_decides(drill: Drill):
    for number in range(3):
        for queue in ("mails", "reports"):
            call = (TOUCH, drill.file(queue), str(number))
            drill.ids.append(async_task(*call, cluster=queue, priority=number))
    drill.start(queues=["*"], workers=1)

    drill.until(lambda: drill.ended() == 6)
    assert drill.lines("mails") == drill.lines("reports") == ["2", "1", "0"]
