"""Repetitions of background tasks in real clusters: each moment of the grid has one run that counts, whatever dies."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from django_q.contrib.background.models import CompletedTask, Task
from django_q_tests.contrib.background import decorated
from django_q_tests.support.clusters import Drill

pytestmark = pytest.mark.databases

SERIES = 20
SECONDS = 8


def test_each_moment_has_one_run_whatever_is_killed(drill: Drill):
    first = timezone.now()
    with transaction.atomic():
        for series in range(SERIES):
            decorated.echo(
                series,
                schedule=first,
                repeat=1,
                repeat_until=first + timedelta(seconds=SECONDS),
                verbose_name=str(series),
            )
    cluster = drill.start(max_crashes=100)

    for kill in range(1, SECONDS - 1):
        drill.until(lambda kill=kill: CompletedTask.objects.count() >= SERIES * kill)
        if kill % 3:
            cluster.kill(random.choice(("monitor", "worker", "keeper", "pusher")))
        else:
            cluster.kill("sentinel")
            cluster.until_gone(within=5)
            cluster = drill.start(max_crashes=100)
    drill.until_empty()
    drill.ids += CompletedTask.objects.values_list("pk", flat=True)  # repetitions are enqueued by the cluster

    rows = CompletedTask.objects.values_list("verbose_name", "scheduled_for", "success")
    runs = Counter((name, moment) for name, moment, _ in rows)
    assert set(runs.values()) == {1}, "a moment of a grid has several runs"
    assert all(success for *_, success in rows)
    assert not Task.objects.exists()
    for series in range(SERIES):
        moments = sorted(moment for name, moment in runs if name == str(series))
        offsets = [(moment - first).total_seconds() for moment in moments]
        assert all(offset == int(offset) for offset in offsets), f"series {series} left its grid: {offsets}"
        assert offsets[0] == 0 and offsets[-1] == SECONDS, f"series {series} ended early: {offsets}"
