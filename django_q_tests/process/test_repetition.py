"""Repetitions of background tasks in real clusters: each moment of the grid has one run that counts, whatever dies."""

import random
from collections import Counter

import pytest
from django.db import transaction
from django.utils import timezone

from django_q.contrib.background.models import CompletedTask, Task
from django_q.models import OrmQ
from django_q.tasks.control import take_back
from django_q_tests.contrib.background import decorated
from django_q_tests.support.clusters import Drill

pytestmark = pytest.mark.databases

SERIES = 20
KILLS = 5


def test_each_moment_has_one_run_whatever_is_killed(drill: Drill):
    cluster = drill.start(max_crashes=100)
    first = timezone.now()
    with transaction.atomic():
        for series in range(SERIES):
            decorated.echo(series, schedule=first, repeat=1, verbose_name=str(series))

    for kill in range(1, KILLS + 1):
        drill.until(lambda kill=kill: fewest_runs() >= kill)
        if kill % 3:
            cluster.kill(random.choice(("monitor", "worker", "keeper", "pusher")))
        else:
            cluster.kill("sentinel")
            cluster.until_gone(within=5)
            cluster = drill.start(max_crashes=100)
    drill.until(lambda: fewest_runs() > KILLS)
    drill.until(all_are_ended)
    drill.ids += CompletedTask.objects.values_list("pk", flat=True)  # repetitions are enqueued by the cluster

    ran = CompletedTask.objects.exclude(record__reason="canceled")
    runs = Counter(ran.values_list("verbose_name", "scheduled_for"))
    assert set(runs.values()) == {1}, "a moment of a grid has several runs"
    assert not ran.filter(success=False).exists()
    assert not Task.objects.exists()
    for series in range(SERIES):
        # On a machine that is busy moments pass while nobody records; those are skipped, and there are fewer runs.
        offsets = sorted((moment - first).total_seconds() for name, moment in runs if name == str(series))
        assert all(offset == int(offset) for offset in offsets), f"series {series} left its grid: {offsets}"
        assert offsets[0] == 0


def fewest_runs() -> int:
    """Return how often the series ran that ran least."""
    runs = Counter(CompletedTask.objects.values_list("verbose_name", flat=True))
    return min(runs[str(series)] for series in range(SERIES))


def all_are_ended() -> bool:
    """Cancel what waits; a run that goes on enqueues one more, which the next look cancels."""
    take_back(OrmQ.objects.values_list("pk", flat=True))
    return not OrmQ.objects.exists()
