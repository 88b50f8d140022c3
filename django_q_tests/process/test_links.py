"""Chains, iterations and chords in real clusters: what waits is released once, whatever dies."""

import random
from contextlib import contextmanager

import pytest
from django.db import transaction

from django_q.models import OrmQ, Task
from django_q.tasks import async_chain, async_chord, async_iter, fetch, result, result_group
from django_q_tests.support.clusters import Drill, path_of

pytestmark = pytest.mark.databases
WIDTHS = (1, 2, 30, 300)
TOUCH, CRASH, ADD = path_of("jobs.touch"), path_of("mishaps.crash"), path_of("mishaps.add_at_the_second_try")


@contextmanager
def enqueuing(drill):
    """Let the drill know of all rows that are written meanwhile, the first in its queue."""
    with transaction.atomic():
        yield
        drill.ids += OrmQ.objects.values_list("pk", flat=True)


def test_two_clusters_gather_each_iteration_once(drill: Drill):
    drill.start()
    drill.start()

    with enqueuing(drill):
        iterations = [async_iter("math.sqrt", [number * number for number in range(width)]) for width in WIDTHS]

    for iteration, width in zip(iterations, WIDTHS, strict=True):
        assert result(iteration, wait=60_000) == [float(number) for number in range(width)]
    assert not OrmQ.objects.exists()


def test_an_item_that_takes_its_worker_down_delays_the_gather_only(drill: Drill):
    drill.start(max_crashes=2)

    with enqueuing(drill):
        iteration = async_iter(CRASH, [drill.file(), drill.file()])

    whole = fetch(iteration, wait=60_000)
    assert not whole.success
    assert [task.reason for task in Task.objects.filter(chain=iteration)] == ["lost", "lost"]


def test_chains_go_on_where_they_were_when_clusters_die(drill: Drill):
    clusters = [drill.start(max_crashes=100) for _ in range(2)]
    links = [(TOUCH, (drill.file(), str(step))) for step in range(8)]
    with enqueuing(drill):
        groups = [async_chain(links) for _ in range(40)]

    for kill in range(1, 4):
        drill.until(lambda kill=kill: drill.ended() >= 80 * kill)
        victim = clusters.pop(random.randrange(2))
        victim.kill("sentinel")
        victim.until_gone(within=5)
        clusters.append(drill.start(max_crashes=100))

    drill.until_empty()
    assert all(result_group(group, count=8, wait=30_000) == [None] * 8 for group in groups)
    assert Task.objects.count() == 320


def test_a_step_that_takes_its_worker_down_ends_the_chain(drill: Drill):
    drill.start(max_crashes=2)

    with enqueuing(drill):
        group = async_chain([(CRASH, (drill.file(),)), (TOUCH, (drill.file(), "never"))])

    drill.until_empty()
    assert [task.reason for task in Task.objects.in_group(group)] == ["lost", "canceled"]
    assert "never" not in drill.lines()


def test_two_clusters_begin_each_final_call_once_with_all_results(drill: Drill):
    drill.start()
    drill.start()

    with enqueuing(drill):
        chords = [async_chord("math.sqrt", [n * n for n in range(width)], "builtins.sum") for width in (1, 2, 30)]

    assert [result(chord, wait=60_000) for chord in chords] == [0, 1, sum(range(30))]
    assert not OrmQ.objects.exists()


def test_a_chord_outlives_its_workers_and_ends_with_a_call_that_always_takes_them_down(drill: Drill):
    drill.start(max_crashes=2)

    with enqueuing(drill):
        lives = async_chord(ADD, [([1], "call"), ([2], "call")], (ADD, ("final",)))
        ends = async_chord(CRASH, [drill.file()], (TOUCH, (drill.file(), "never")))

    assert result(lives, wait=60_000) == 3
    assert fetch(ends, wait=60_000).reason == "canceled" and "never" not in drill.lines()
