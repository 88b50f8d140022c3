"""Clusters whose tasks come by way of a broker that a project wrote for Django Q."""

import pytest

from django_q import brokers
from django_q.models import Task
from django_q.tasks import async_chain, count_group
from django_q_tests.support import spool
from django_q_tests.support.clusters import Drill, path_of

pytestmark = pytest.mark.once


@pytest.fixture
def start(drill: Drill, settings, tmp_path, monkeypatch):
    monkeypatch.setenv("DJANGO_Q_TEST_SPOOL", str(tmp_path / "spool"))
    (tmp_path / "spool").mkdir()
    monkeypatch.setattr(brokers, "_brokers", {})

    def start(kind, **cluster):
        path = f"{spool.__name__}.{kind.__name__}"
        settings.Q_CLUSTER = {**settings.Q_CLUSTER, "broker_class": path}
        return drill.start(broker_class=path, **cluster)

    return start


def test_two_clusters_share_the_tickets_of_a_broker_of_ones_own(drill: Drill, start, tmp_path):
    start(spool.Spool)
    start(spool.Spool)

    for number in range(100):
        drill.enqueue(
            "touch", drill.file(), str(number), hook=path_of("mishaps.append_name"), task_name=drill.file("hooks")
        )

    drill.until_empty()
    assert len(drill.lines("hooks")) == 100
    assert sorted(map(int, drill.lines())) == list(range(100))
    drill.until(lambda: not list((tmp_path / "spool" / "default").glob("*")))


def test_a_task_is_run_although_its_worker_was_killed_and_the_broker_lost_its_ticket(drill: Drill, start):
    cluster = start(spool.Forgetful, max_crashes=5)
    drill.hold()  # its ticket was lost

    cluster.kill("worker")
    drill.until(lambda: len(drill.lines("held")) == 2)
    drill.open_gate()

    drill.until_empty()


def test_a_subclass_of_the_database_broker_is_asked_for_each_task(drill: Drill, start, tmp_path):
    start(spool.CountingORM)
    drill.touches(20)

    drill.until_empty()
    assert sorted(map(int, drill.lines())) == list(range(20))
    asked = (tmp_path / "spool" / "asked").read_text().split()
    assert sum(map(int, asked)) >= 20


def test_later_steps_of_a_chain_get_their_tickets(drill: Drill, start):
    start(spool.Spool)
    steps = [(path_of("touch"), (drill.file(), str(number))) for number in range(3)]

    group = async_chain(steps)

    drill.until(lambda: count_group(group) == 3)
    assert drill.lines() == ["0", "1", "2"]
    drill.ids += Task.objects.values_list("pk", flat=True)
