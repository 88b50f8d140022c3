"""Schedules in real clusters: in time, once, and whatever dies."""

import json
import random
from collections import Counter
from datetime import datetime, timedelta

import pytest

from django_q.kernel import clock
from django_q.models import Schedule, Task
from django_q.models.schedule import aware
from django_q.tasks import schedule
from django_q_tests.support.clusters import Drill, path_of

pytestmark = pytest.mark.databases
OK = path_of("jobs.ok")


def in_seconds(seconds):
    return clock.now() + timedelta(seconds=seconds)


def due_of(task):
    return datetime.fromisoformat(json.loads(task.options)["due"])


def lateness():
    """Return how late the tasks of schedules were enqueued, in seconds."""
    return [(aware(task.enqueued_at) - due_of(task)).total_seconds() for task in Task.objects.all()]


@pytest.fixture
def timed(drill: Drill):
    """A drill that knows of the tasks that schedules made."""
    yield drill
    Schedule.objects.pause()
    drill.until_empty()
    drill.ids = list({*drill.ids, *Task.objects.values_list("pk", flat=True)})


def test_schedules_fire_within_a_second_of_their_moment(timed: Drill):
    timed.start()

    for seconds in (0, 0.5, 1.2, 2.5, 3.1):
        schedule(OK, next_run=in_seconds(seconds))

    timed.until(lambda: Task.objects.count() == 5)
    assert max(lateness()) < 1


def test_two_clusters_fire_every_moment_once(timed: Drill):
    timed.start()
    timed.start()

    made = [schedule(OK, schedule_type="C", cron="* * * * * *", repeats=4) for _ in range(10)]

    timed.until(lambda: Task.objects.count() == 40)
    assert max(Counter((task.group, due_of(task)) for task in Task.objects.all()).values()) == 1
    assert set(Schedule.objects.values_list("repeats", flat=True)) == {0}
    assert {task.group for task in Task.objects.all()} == {str(row.pk) for row in made}


def test_no_moment_is_lost_or_fired_twice_when_clusters_die(timed: Drill):
    clusters = [timed.start() for _ in range(2)]
    for _ in range(5):
        schedule(OK, schedule_type="C", cron="* * * * * *", repeats=8)

    for number, role in enumerate(["keeper", "sentinel", "keeper", "sentinel"], 1):
        timed.until(lambda number=number: Task.objects.count() >= 7 * number)
        victim = random.choice(clusters)
        victim.kill(role)
        if role == "sentinel":
            victim.until_gone(within=5)
            clusters[clusters.index(victim)] = timed.start()

    timed.until(lambda: Task.objects.count() == 40)
    for group in {task.group for task in Task.objects.all()}:
        moments = sorted(due_of(task) for task in Task.objects.filter(group=group))
        assert moments == [moments[0] + timedelta(seconds=number) for number in range(8)]


def test_what_was_missed_while_no_cluster_ran_is_made_up_for(timed: Drill):
    schedule(OK, schedule_type="I", minutes=1, next_run=in_seconds(-150), repeats=3, name="all")
    schedule(OK, schedule_type="I", minutes=1, next_run=in_seconds(-150), repeats=1, name="one", catch_up="one")

    timed.start()

    timed.until(lambda: Task.objects.count() == 4)
    assert Counter(Task.objects.values_list("group", flat=True)) == {"all": 3, "one": 1}
    assert Schedule.objects.get(name="one").missed == 2


def test_a_cluster_that_shall_not_fire_schedules_leaves_them(timed: Drill):
    timed.start(scheduler=False)
    schedule(OK, next_run=in_seconds(0))

    timed.until_ended(timed.enqueue("ok"))

    assert Schedule.objects.count() == 1
