"""What projects import from Django Q besides, and how it answers here."""

import socket
from datetime import timedelta
from importlib import import_module

import pytest
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory

import django_q
from django_q import models, tasks
from django_q.admin import FailAdmin, QueueAdmin, ScheduleAdmin, TaskAdmin, resubmit_task
from django_q.brokers import get_broker
from django_q.kernel import clock
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from django_q.status import Stat
from django_q.tasks import async_task, schedule
from django_q.testing import run_all
from django_q_tests.support.factories import register
from django_q_tests.support.jobs import fail

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "module, names",
    [
        ("django_q", "async_task schedule result fetch get_task Task Schedule Success Failure Cluster Stat"),
        ("django_q.tasks", "Schedule Task Conf SignedPackage get_broker uuid Async AsyncTask"),
        ("django_q.conf", "Conf logger"),
        ("django_q.brokers", "Broker get_broker"),
        ("django_q.brokers.orm", "ORM"),
        ("django_q.cluster", "Cluster"),
        ("django_q.status", "Stat"),
        ("django_q.monitor", "Stat"),
        ("django_q.signing", "SignedPackage BadSignature"),
        ("django_q.humanhash", "uuid humanize"),
        ("django_q.signals", "pre_enqueue pre_execute post_execute post_execute_in_worker post_spawn"),
        ("django_q.models", "Task Success Failure Schedule OrmQ"),
        ("django_q.admin", "TaskAdmin FailAdmin ScheduleAdmin QueueAdmin resubmit_task"),
        ("django_q.management.commands.qcluster", "Command"),
    ],
)
def test_the_names_are_where_they_were(module, names):
    for name in names.split():
        assert getattr(import_module(module), name) is not None


def test_they_are_the_same_things():
    assert tasks.Schedule is django_q.Schedule is models.Schedule
    assert django_q.get_task is tasks.get_task
    assert import_module("django_q.monitor").Stat is django_q.Stat is Stat
    with pytest.raises(AttributeError, match="no attribute 'Scheduler'"):
        getattr(tasks, "Scheduler")  # noqa: B009
    with pytest.raises(AttributeError, match="no attribute 'Clustr'"):
        getattr(import_module("django_q.cluster"), "Clustr")  # noqa: B009


# --- Stat ----------------------------------------------------------------------------------------------------------

STATS = (
    '{"state": "working", "held": 3, "replaced": {"worker": 1, "recycled": 1}, "processes": {"pusher": [8],'
    ' "monitor": [9]}, "workers": [{"pid": 11, "running": [], "given": 0}]}'
)


def test_stat_tells_how_a_cluster_stands():
    id = register(pid=7, stats=STATS)

    (stat,) = Stat.get_all()

    assert (stat.cluster_id, stat.pid, stat.sentinel, stat.host, stat.status) == (id, 7, 7, "elsewhere", "Working")
    assert (stat.workers, stat.pusher, stat.monitor) == ((11,), 8, 9)
    assert (stat.task_q_size, stat.done_q_size, stat.reincarnations, stat.empty_queues()) == (3, 0, 2, False)
    assert 0 <= stat.uptime() < 60
    assert Stat.get(7, id) == stat.__class__.get(pid=7, cluster_id=id, broker=get_broker())


def test_stat_of_a_broker_are_those_that_serve_its_queue():
    register(queues='["mails"]')

    assert len(Stat.get_all(get_broker("mails"))) == 1
    assert Stat.get_all(broker=get_broker()) == []


def test_stat_of_a_cluster_that_is_not_there_is_stopped():
    stat = Stat.get(7, "nobody")

    assert (stat.status, stat.host, stat.empty_queues()) == ("Stopped", socket.gethostname(), True)
    assert Stat.of_process(7).status == "Stopped"


# --- models --------------------------------------------------------------------------------------------------------


def test_a_queued_task_tells_its_package():
    task_id = async_task("math.copysign", 2, -2, group="g", timeout=5)
    row = OrmQ.objects.get()

    assert row.task_id() == task_id
    assert row.q_options() == {"timeout": 5}
    told = row.task
    assert (told["id"], told["func"], told["args"], told["group"]) == (task_id, "math.copysign", (2, -2), "g")
    assert told["started"] == row.enqueued_at


def test_a_package_that_cannot_be_read_tells_the_error():
    async_task("math.floor", 1)
    OrmQ.objects.update(func="math.ceil")

    assert OrmQ.objects.get().task == {"id": "*PayloadError"}


def test_a_short_result_is_a_hundred_characters():
    task_id = async_task("operator.mul", "ab", 100)
    run_all()

    assert Task.objects.get(pk=task_id).short_result() == "ab" * 50


# --- admin ---------------------------------------------------------------------------------------------------------


class Tasks(TaskAdmin):
    list_display = ("name", "group", "func", "cluster", "started", "stopped", "time_taken")


class Fails(FailAdmin):
    list_display = ("name", "group", "func", "cluster", "started", "stopped", "short_result")


class Schedules(ScheduleAdmin):
    list_display = (
        "id", "name", "func", "schedule_type", "repeats", "cluster", "next_run", "get_last_run", "get_success",
    )  # fmt: skip
    list_filter = ("next_run", "schedule_type", "cluster")


class Queue(QueueAdmin):
    list_display = ("id", "queue", "name", "group", "func", "task_id")


@pytest.fixture
def site():
    site = AdminSite()
    for model, admin in ((Success, Tasks), (Failure, Fails), (Schedule, Schedules), (OrmQ, Queue)):
        site.register(model, admin)
    return site


@pytest.fixture
def request_by(client):
    def request_by(user, method="get", **data):
        client.force_login(user)
        made = getattr(RequestFactory(), method)("/", data)
        made.user, made.session = user, client.session
        made._messages = CookieStorage(made)
        return made

    return request_by


@pytest.mark.parametrize("model", [Success, Failure, Schedule, OrmQ])
def test_admins_can_be_subclassed_with_the_old_columns(site, request_by, model):
    schedule("operator.add", 1, 2, name="sums", next_run=clock.now() - timedelta(days=1), schedule_type="O", repeats=2)
    async_task("math.floor", 1.5)
    async_task(fail)
    run_all()
    async_task("math.floor", 1.5)

    response = site.get_model_admin(model).changelist_view(request_by(User.objects.create_superuser("boss")))

    response.render()
    assert response.status_code == 200
    assert b"errornote" not in response.content
    assert response.context_data["cl"].result_count >= 1


class Plain(ModelAdmin):
    actions = [resubmit_task]


def test_resubmit_task_enqueues_again_with_all_options(request_by):
    async_task("math.floor", 1.5, timeout=7, group="g", priority=3, max_attempts=2)
    run_all()
    request = request_by(User.objects.create_superuser("boss"), "post")

    assert resubmit_task(Plain(Success, AdminSite()), request, Success.objects.all()) is None

    row = OrmQ.objects.get()
    assert (row.args, row.group, row.priority) == ((1.5,), "g", 3)
    assert row.q_options() == {"timeout": 7, "max_attempts": 2}
    assert [str(message) for message in get_messages(request)] == ["Requeued: 1."]


def test_resubmit_task_says_what_cannot_be_requeued(request_by):
    async_task("math.floor", 1.5)
    run_all()
    Task.objects.update(func="math.ceil")
    request = request_by(User.objects.create_superuser("boss"), "post")

    resubmit_task(Plain(Success, AdminSite()), request, Success.objects.all())

    assert not OrmQ.objects.exists()
    assert "signature is wrong" in str(list(get_messages(request))[0])


def test_resubmit_task_asks_first_in_our_admin_and_needs_the_right(site, request_by):
    async_task("math.floor", 1.5)
    run_all()
    admin = site.get_model_admin(Success)

    answer = resubmit_task(admin, request_by(User.objects.create_superuser("boss"), "post"), Success.objects.all())
    assert b"Run these tasks again?" in answer.render().content

    with pytest.raises(PermissionDenied):
        resubmit_task(admin, request_by(User.objects.create_user("guest"), "post"), Success.objects.all())
