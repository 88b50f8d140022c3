"""Statements 68 to 77: the cluster as a program and as an object, brokers, models, commands and the admin."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys

import acceptance_jobs
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from django_q.models import Failure, OrmQ, Schedule, Success
from django_q.tasks import async_task, fetch

statement = pytest.mark.statement


@statement("68")
def test_proxies_show_their_own_and_the_newest_first(ended):
    ids = [async_task(acceptance_jobs.first, number) for number in (1, 2)]
    ended(*ids)

    stopped = list(Success.objects.values_list("stopped", flat=True)[:50])
    assert stopped == sorted(stopped, reverse=True)
    assert not Success.objects.filter(success=False).exists() and not Failure.objects.filter(success=True).exists()
    assert Success._meta.proxy and Failure._meta.proxy


@statement("68")
def test_a_queued_task_tells_its_id_and_its_package():
    task_id = async_task("acceptance_jobs.first", 5, cluster="sixty-eight", group="g", task_name="queued")
    row = next(row for row in OrmQ.objects.all() if row.task_id() == task_id)

    assert (row.task["name"], row.task["func"], row.task["group"]) == ("queued", "acceptance_jobs.first", "g")
    assert tuple(row.task["args"]) == (5,)


@statement("72")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_command_ends_it_in_order(start, until, number):
    cluster = start("other")
    task_id = async_task(acceptance_jobs.first, 1, cluster="other")
    until(lambda: fetch(task_id))

    assert cluster.stop(number) == 0


@statement("72")
def test_it_may_run_once(start):
    assert start("other", "--run-once").process.wait(40) == 0


@statement("73")
def test_qinfo_tells_what_there_is(cluster, until):
    from django_q.status import Stat

    (first, *_) = until(Stat.get_all)

    assert str(first.cluster_id) in said("--ids")
    assert "clusters" in said().lower() and "schedules" in said().lower()
    assert "timeout" in said("--config").lower()


def said(*options):
    """Return what qinfo prints; the peer prints past the command's own output."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        call_command("qinfo", *options)
    return out.getvalue()


PROGRAM = """
import json, django
django.setup()
from django_q.cluster import Cluster
from django_q.status import Stat
from django_q.tasks import async_task, result
cluster = Cluster()
pid = cluster.start()
seen = [bool(cluster.is_running), cluster.has_stopped, cluster.pid is not None, bool(cluster.cluster_id)]
seen.append(result(async_task("math.copysign", 2, -2, cluster="other"), wait=20000))
stat = cluster.stat
seen += [stat.status in ("Starting", "Idle", "Working"), len(Stat.get_all()) >= 1, stat.uptime() >= 0]
seen += [cluster.stop(), cluster.has_stopped, cluster.stop()]
print(json.dumps([bool(each) if not isinstance(each, float) else each for each in seen]))
"""


@statement("75")
def test_a_program_may_start_and_stop_a_cluster():
    env = {**os.environ, "Q_CLUSTER_NAME": "other"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, timeout=90)

    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen == [True, False, True, True, -2.0, True, True, True, True, True, False]


@statement("76")
def test_a_broker_of_ones_own_carries_tasks(start, until, lines):
    start("own")
    broker = acceptance_jobs.OwnBroker("own")

    task_id = async_task("acceptance_jobs.first", 6, broker=broker)

    assert until(lambda: fetch(task_id)).result == 6
    assert lines("enqueued") == ["own"] and lines("dequeued")


@pytest.fixture(scope="session")
def boss():
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


@statement("77")
@pytest.mark.parametrize("page", ["success", "failure", "schedule", "ormq"])
def test_the_admin_shows_each_list_and_each_row(boss, ended, page):
    good, bad = async_task(acceptance_jobs.first, 1), async_task(acceptance_jobs.fail)
    ended(good, bad)
    waiting = async_task(acceptance_jobs.first, 1, cluster="seventy-seven")
    row = {
        "success": lambda: Success.objects.get(pk=good),
        "failure": lambda: Failure.objects.get(pk=bad),
        "schedule": lambda: Schedule.objects.get(name="paused"),
        "ormq": lambda: next(row for row in OrmQ.objects.all() if row.task_id() == waiting),
    }[page]()

    assert boss.get(f"/admin/django_q/{page}/").status_code == 200
    assert boss.get(f"/admin/django_q/{page}/?q=acceptance").status_code == 200
    assert boss.get(f"/admin/django_q/{page}/{row.pk}/change/").status_code == 200


@statement("77")
def test_admin_classes_have_their_names_and_can_be_subclassed():
    from django.contrib.admin import AdminSite

    from django_q import admin

    class Mine(admin.TaskAdmin):
        list_display = ("name", "group", "func", "cluster", "started", "stopped", "time_taken")

    assert not Mine(Success, AdminSite()).check()
    assert all(hasattr(admin, name) for name in ("FailAdmin", "ScheduleAdmin", "QueueAdmin", "resubmit_task"))


@statement("77")
def test_resubmit_enqueues_a_task_again(ended):
    from django.contrib.admin import AdminSite, ModelAdmin
    from django.contrib.messages.storage.fallback import FallbackStorage
    from django.test import RequestFactory

    from django_q.admin import resubmit_task

    task = ended(async_task("acceptance_jobs.first", "resubmitted", group="seventy-seven again"))
    request = RequestFactory().post("/")
    request.session = {}
    request._messages = FallbackStorage(request)

    resubmit_task(ModelAdmin(Success, AdminSite()), request, Success.objects.filter(pk=task.id))

    from django_q.tasks import result_group

    assert list(result_group("seventy-seven again", count=2, wait=20_000)) == ["resubmitted"] * 2
