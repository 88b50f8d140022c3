"""What dead clusters held is taken over; what lives is left alone."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection

from django_q.cluster import identity
from django_q.cluster.maintainer import Maintainer
from django_q.kernel import clock, ids
from django_q.kernel.states import TaskState
from django_q.models import Event, Incarnation, OrmQ, Task
from django_q.models.dialects.base import Later
from django_q.tasks import async_task
from django_q.testing import run_all
from django_q_tests.support.factories import put, put_many, register

pytestmark = pytest.mark.django_db(transaction=True)

ours = ids.new_id()


@pytest.fixture
def maintainer():
    register(ours, **here(os.getpid()))
    return Maintainer(ours, "default")


def here(pid):
    """Return the columns of a cluster on this host."""
    return {
        "host": identity.HOST,
        "pid": pid,
        "process_started": identity.process_started(pid) or "1",
        "boot_id": identity.boot_id(),
    }


@pytest.fixture
def ended_process():
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    columns = here(process.pid)
    process.wait()
    return columns


def hold(incarnation, ids_, *, running=()):
    """Claim tasks for a cluster and mark some as running."""
    claimed = OrmQ.objects.claim(len(ids_), queues=["default"], incarnation=incarnation, generation=1)
    tokens = {row["id"]: row["token"] for row in claimed}
    OrmQ.objects.mark_running([(id, tokens[id]) for id in running])


def test_a_cluster_whose_process_has_ended_here_is_dead_at_once(maintainer, ended_process):
    dead = register(**ended_process)
    hold(dead, put_many([(1, 1), (2, 2)]))

    assert maintainer.look(steady=False) == 2

    assert Incarnation.objects.get(pk=dead).dead_at is not None
    assert set(OrmQ.objects.values_list("state", "rescues", "crashes", "token")) == {(TaskState.READY, 1, 0, None)}


def test_what_a_dead_cluster_was_running_has_crashed_once_more(maintainer, ended_process):
    dead = register(**ended_process)
    running, waiting = put_many([(1, 1), (2, 2)])
    hold(dead, [running, waiting], running=[running])

    maintainer.look(steady=False)

    counts = {row.pk: (row.crashes, row.rescues) for row in OrmQ.objects.all()}
    assert counts == {running: (1, 0), waiting: (0, 1)}


def test_a_task_that_took_down_too_many_clusters_is_a_failure(maintainer, ended_process):
    dead = register(**ended_process)
    id = put(1, 1)
    OrmQ.objects.update(crashes=2)
    hold(dead, [id], running=[id])

    maintainer.look(steady=False)

    assert not OrmQ.objects.exists()
    task = Task.objects.get()
    assert (task.success, task.reason, task.crashes) == (False, "lost", 3)
    assert identity.HOST in task.error and identity.HOST in task.result


def test_a_cluster_that_lives_here_is_not_dead_while_its_lease_lasts(maintainer):
    living = register(**here(os.getppid()))
    hold(living, put_many([(1, 1)]))

    assert maintainer.look(steady=True) == 0
    assert Incarnation.objects.get(pk=living).dead_at is None


def test_a_cluster_that_lives_here_but_hangs_is_taken_over_when_its_lease_has_ended(maintainer):
    hanging = register(lease=-60, **here(os.getppid()))
    hold(hanging, put_many([(1, 1)]))

    # On SQLite a busy writer may hold up a renewal, so that a lease proves nothing.
    assert maintainer.look(steady=True) == (0 if connection.vendor == "sqlite" else 1)


def test_a_cluster_elsewhere_is_dead_when_its_lease_has_ended(maintainer):
    away = register(host="elsewhere")
    hold(away, put_many([(1, 1)]))
    Incarnation.objects.filter(pk=away).update(expires_at="2026-01-01T00:00:00Z")

    # SQLite is one machine, where nobody is elsewhere.
    assert maintainer.look(steady=True) == (0 if connection.vendor == "sqlite" else 1)


def test_nobody_is_declared_dead_after_an_outage_for_all(maintainer):
    away = register(host="elsewhere", lease=-1)

    assert maintainer.look(steady=False) == 0
    assert Incarnation.objects.get(pk=away).dead_at is None


def test_a_living_lease_is_no_death(maintainer):
    away = register(host="elsewhere")
    hold(away, put_many([(1, 1)]))

    assert maintainer.look(steady=True) == 0


def test_a_claim_that_was_committed_after_the_death_is_taken_over_too(maintainer, ended_process):
    dead = register(**ended_process)
    id = put(1, 1)
    maintainer.look(steady=False)
    OrmQ.objects.filter(pk=id).update(state=TaskState.CLAIMED, claimed_by=dead, token="late")

    assert maintainer.look(steady=False) == 1
    assert OrmQ.objects.get().state == TaskState.READY


def test_what_was_asked_to_stop_is_canceled_and_not_run_again(maintainer, ended_process):
    dead = register(**ended_process)
    id = put(1, 1)
    hold(dead, [id])
    OrmQ.objects.filter(pk=id).request_stop()

    maintainer.look(steady=False)

    assert Task.objects.get().reason == "canceled"
    assert not OrmQ.objects.exists()


def test_a_cluster_that_was_declared_dead_cannot_renew(maintainer):
    id = register()
    Incarnation.objects.bury(id, expired_only=False)

    assert not Incarnation.objects.renew(id, lease=12, stats="{}")


def test_a_cluster_that_renewed_in_time_is_not_buried(maintainer):
    id = register()

    assert not Incarnation.objects.bury(id, expired_only=True)


def test_the_history_is_pruned_by_age_and_outcome(maintainer, settings):
    settings.Q_CLUSTER = {"keep_successes": 3600, "keep_failures": None}
    moments = {"old": "2026-01-01T00:00:00Z", "new": "2126-01-01T00:00:00Z"}
    for number, (age, success) in enumerate([("old", True), ("new", True), ("old", False)]):
        moment = moments[age]
        Task.objects.create(
            id=f"{number:032x}", name=f"{age}-{success}", func="f", success=success,
            enqueued_at=moment, started=moment, stopped=moment,
        )  # fmt: skip

    assert Maintainer(ours, "default").prune() == 1
    assert set(Task.objects.values_list("name", flat=True)) == {"new-True", "old-False"}


def test_events_are_pruned_by_age(settings):
    Event.objects.begin("demo")
    Event.objects.update(created=clock.now() - timedelta(hours=2))
    Event.objects.begin("demo")

    assert (prune(settings, keep_events=None), prune(settings, keep_events=3600)) == (0, 1)
    assert list(Event.objects.values_list("run", flat=True)) == [2]


def ended(name, *, group=None, func="shop.a", minutes=0, success=True):
    moment = clock.now() - timedelta(minutes=minutes)
    row = {"name": name, "group": group, "func": func, "enqueued_at": moment, "started": moment, "stopped": moment}
    Task.objects.create(id=ids.new_id(), success=success, **row)


def left():
    return sorted(Task.objects.values_list("name", flat=True))


def prune(settings, **q_cluster):
    settings.Q_CLUSTER = q_cluster
    return Maintainer(ours, "default").prune()


def test_so_many_successes_are_kept_and_every_failure(settings):
    for number in range(5):
        ended(f"success {number}", minutes=number)
        ended(f"failure {number}", minutes=number, success=False)

    assert prune(settings, save_limit=2) == 3

    assert left() == [*(f"failure {number}" for number in range(5)), "success 0", "success 1"]
    assert prune(settings, save_limit=2) == 0


@pytest.mark.parametrize("per", ["group", "name", "func"])
def test_so_many_successes_are_kept_of_each(settings, per):
    for number in range(4):
        for value in ("a", "b"):
            ended(**{"name": f"{value}{number}", per: value}, minutes=number)

    assert prune(settings, save_limit=1, save_limit_per=per) == 6

    assert left() == (["a", "b"] if per == "name" else ["a0", "b0"])


def test_without_a_limit_by_number_age_alone_decides(settings):
    for number in range(3):
        ended(f"success {number}", minutes=number * 60 * 24 * 6)

    assert prune(settings) == 1
    assert left() == ["success 0", "success 1"]


def test_a_limit_of_0_keeps_all_successes_whatever_their_age(settings):
    ended("old", minutes=60 * 24 * 400)

    assert prune(settings, save_limit=0) == 0


def test_a_limit_of_minus_1_stores_no_success(settings):
    settings.Q_CLUSTER = {"save_limit": -1}
    async_task("math.sqrt", 4), async_task("math.sqrt", -1), async_task("math.sqrt", 9, save=True)

    run_all()

    assert sorted(Task.objects.values_list("success", flat=True)) == [False, True]


def test_a_look_tells_when_the_next_deferred_row_is_due(maintainer):
    maintainer.look(steady=False)
    assert maintainer.next_due is None

    put(1, 1, state=TaskState.DEFERRED, run_after=Later(60))
    maintainer.look(steady=False)

    assert maintainer.next_due == pytest.approx(60, abs=2)
