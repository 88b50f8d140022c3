"""``manage.py qinfo``: what it prints, and how it exits."""

import io
import json
import socket
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from django_q.brokers.orm import OrmBroker
from django_q.engine.completion import finish
from django_q.kernel import clock, ids
from django_q.kernel.messages import Outcome, Report
from django_q.kernel.states import Ending, TaskState
from django_q.models import Incarnation, OrmQ, Schedule, Task
from django_q.models.dialects import dialect_for
from django_q.models.dialects.base import Later
from django_q.tasks import async_task, cancel, schedule
from django_q.tasks.overview import LastDay
from django_q_tests.architecture.source import ROOT
from django_q_tests.support import factories

pytestmark = pytest.mark.django_db

DESERTED = 'no cluster serves "default"; start manage.py qcluster'


def qinfo(*args):
    out = io.StringIO()
    call_command("qinfo", *args, stdout=out)
    return out.getvalue()


def check(*args):
    """Return the exit code and the line of ``qinfo --check``."""
    out = io.StringIO()
    try:
        call_command("qinfo", "--check", *args, stdout=out)
    except SystemExit as end:
        return end.code, out.getvalue().strip()
    return 0, out.getvalue().strip()


def cluster(**columns):
    """Register a living cluster that says what it does."""
    id = factories.register(name="web", host="here", pid=4711, **columns)
    stats = {
        "state": "working",
        "workers": [{"pid": 11, "running": ["app.tasks.mail"], "given": 1}, {"pid": 12, "running": [], "given": 0}],
        "processes": {"pusher": [13], "monitor": [14], "keeper": [15]},
        "held": 1,
        "succeeded": 7,
        "not_succeeded": 2,
    }
    Incarnation.objects.filter(pk=id).update(stats=json.dumps(stats))
    return id


# --- what it prints ------------------------------------------------------------------------------------------------


def test_with_nothing_there_it_says_what_to_start():
    text = qinfo()

    assert "Clusters: none" in text and "Queues: none" in text
    assert DESERTED in text


def test_a_queue_that_no_cluster_serves_is_named():
    cluster()
    factories.put(queue="reports")

    text = qinfo()

    assert 'no cluster serves "reports"; start manage.py qcluster' in text
    assert DESERTED not in text


def test_memory_and_replaced_processes_are_told_where_the_cluster_tells_them():
    id = cluster()
    assert "memory unknown, processes replaced: none" in qinfo()

    stats = {"memory": {"4711": 30 * 1024, "11": 50 * 1024}, "replaced": {"recycled": 3, "worker": 1}}
    Incarnation.objects.filter(pk=id).update(stats=json.dumps(stats))
    Incarnation.objects.filter(pk=id).request_stop()

    assert "memory 80 MiB, processes replaced: workers recycled 3, worker died 1, asked to end" in qinfo()
    (told,) = json.loads(qinfo("--json"))["living"]
    assert (told["memory"], told["recycled"], told["replaced"]) == (80 * 2**20, 3, {"worker": 1})


def test_each_process_of_a_cluster_is_named_by_its_role():
    cluster()

    text = qinfo()

    assert "web on here, pid 4711: working" in text and "workers busy 1 of 2" in text
    for line in ("sentinel  4711", "pusher    13", "monitor   14", "keeper    15", "worker    11  app.tasks.mail"):
        assert line in text
    assert "worker    12  idle" in text


def test_queues_are_counted_by_state():
    owner = cluster()
    factories.put_many([(1,)] * 3)
    factories.put(1, state=TaskState.DEFERRED, run_after=Later(3600))
    OrmBroker().claim(1, queues=["default"], incarnation=owner, generation=1)

    (queue,) = json.loads(qinfo("--json"))["queues"]

    assert {key: queue[key] for key in ("name", "ready", "deferred", "waiting", "claimed")} == {
        "name": "default",
        "ready": 2,
        "deferred": 1,
        "waiting": 0,
        "claimed": 1,
    }
    assert 0 <= queue["oldest_ready"] < 60


def test_the_oldest_ready_task_is_measured_by_when_it_was_due():
    cluster()
    old, promoted = factories.put(1), factories.put(2)
    sql = dialect_for("default")
    OrmQ.objects.filter(pk=old).update(enqueued_at=sql.later_expression(-100))
    hours = {"enqueued_at": sql.later_expression(-9000), "run_after": sql.later_expression(-5)}
    OrmQ.objects.filter(pk=promoted).update(**hours)

    (queue,) = json.loads(qinfo("--json"))["queues"]

    assert 99 < queue["oldest_ready"] < 160


def test_the_last_day_tells_canceled_from_failed():
    async_task("operator.add", 1, 2, sync=True)
    with pytest.raises(ZeroDivisionError):
        async_task("operator.truediv", 1, 0, sync=True)
    cancel(async_task("operator.add", 1, 2))

    assert "Last 24 hours: 1 succeeded, 1 failed, 1 canceled" in qinfo()


def test_functions_that_no_worker_knows_are_listed():
    owner = cluster()
    factories.put_many([(1,)] * 2, func="app.tasks.ad")
    claims = OrmBroker().claim(2, queues=["default"], incarnation=owner, generation=1)
    missed = Report(0.0, 0.0, error="no such function")
    finish([Outcome(each.envelope.id, each.envelope.token, Ending.UNKNOWN, missed) for each in claims], cluster="web")

    assert "app.tasks.ad: 2 waiting, first missed just now" in qinfo()


def test_clusters_that_ended_lately_are_listed():
    Incarnation.objects.bury(cluster(), expired_only=False)
    factories.register(name="lost", lease=-5)

    text = qinfo()

    assert "web on here, pid 4711: ended just now" in text
    assert "lost on elsewhere, pid 1: not heard of any more" in text
    assert "Clusters: none" in text


def test_the_number_of_queries_does_not_grow_with_the_rows(django_assert_num_queries):
    cluster()
    factories.put_many([(1,)] * 30)

    # Living and ended clusters, depths, the oldest of one queue, two for the last day, schedules, unknown functions.
    with django_assert_num_queries(8):
        qinfo()


def test_the_history_is_counted_through_a_limit(django_assert_num_queries):
    with django_assert_num_queries(7) as captured:
        qinfo()

    counts = [query["sql"] for query in captured.captured_queries if "django_q_history" in query["sql"]]
    assert len(counts) == 2 and all("LIMIT 100001" in sql for sql in counts)


def test_the_settings_are_shown_without_passwords(settings):
    settings.Q_CLUSTER = {"workers": 3, "doorbell": "redis://user:topsecret@host/0"}

    text = qinfo("--config")

    assert "workers              3" in text
    assert "topsecret" not in text and settings.SECRET_KEY not in text
    assert json.loads(qinfo("--config", "--json"))["workers"] == "3"


def test_it_writes_no_control_codes():
    cluster()

    assert "\x1b" not in qinfo()


def test_the_rate_and_the_average_run_time_of_the_last_day_are_told():
    ended(6, seconds=2), ended(2, seconds=4)

    text = qinfo()

    assert "Last 24 hours: 8 succeeded, 0 failed, 0 canceled\n  8.00 tasks per day" in text
    assert "average execution time 2.5000 s" in text
    assert json.loads(qinfo("--json"))["last_day"]["average"] == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0.00 tasks per day"),
        (23, "23.00 tasks per day"),
        (36, "1.50 tasks per hour"),
        (2880, "2.00 tasks per minute"),
    ],
)
def test_the_rate_is_told_in_the_unit_that_suits_it(count, words):
    day = LastDay(succeeded=count, failed=0, canceled=0, is_cut=False)

    assert words in day.pace()


def test_a_rate_of_what_was_not_counted_to_its_end_is_the_least_that_it_can_be():
    day = LastDay(succeeded=172800, failed=0, canceled=0, is_cut=True, average=0.5)

    assert day.pace() == "at least 2.00 tasks per second, average execution time 0.5000 s"


def test_only_the_last_day_counts_for_the_average():
    ended(3, seconds=2, ago=3600), ended(5, seconds=60, ago=2 * 86400)

    assert "average execution time 2.0000 s" in qinfo()


def test_schedules_are_counted_with_what_is_due_next_and_what_was_missed():
    schedule("operator.neg", 1, name="later", schedule_type="D", next_run=clock.now() + timedelta(days=3))
    schedule("operator.neg", 1, name="soon", schedule_type="D", next_run=clock.now() + timedelta(hours=2, minutes=1))
    paused = schedule("operator.neg", 1, name="paused", schedule_type="D")
    Schedule.objects.filter(pk=paused.pk).pause()
    Schedule.objects.filter(name="later").update(missed=3, missed_runs=f'["{clock.now().isoformat()}"]')

    text = qinfo()

    assert "Schedules: 3, 1 paused, next soon in 2 hours\n  later: missed 3 runs, the last just now\n" in text
    told = json.loads(qinfo("--json"))["schedules"]
    assert (told["count"], told["paused"], told["next_name"]) == (3, 1, "soon")
    assert told["missed"][0][:2] == ["later", 3]


def test_without_schedules_it_says_so():
    assert "Schedules: none\n" in qinfo()


def test_the_ids_of_the_living_clusters_are_printed_one_a_line():
    first, second = cluster(), cluster()
    Incarnation.objects.bury(cluster(), expired_only=False)

    assert sorted(qinfo("--ids").split()) == sorted([first, second])
    assert sorted(json.loads(qinfo("--ids", "--json"))) == sorted([first, second])


@pytest.mark.parametrize("arguments", [("--ids", "--config"), ("--ids", "--check"), ("--config", "--check")])
def test_two_options_that_print_different_things_are_refused_together(arguments):
    with pytest.raises(CommandError, match="choose one of them"):
        qinfo(*arguments)


def ended(count, *, seconds, ago=60.0):
    """Put successes into the history that ran for so long."""
    stopped = clock.now() - timedelta(seconds=ago)
    columns = {"func": "operator.neg", "enqueued_at": stopped, "stopped": stopped}
    rows = [
        Task(id=ids.new_id(), name=f"task {number}", started=stopped - timedelta(seconds=seconds), **columns)
        for number in range(count)
    ]
    Task.objects.bulk_create(rows)


# --- how it exits --------------------------------------------------------------------------------------------------


def test_the_check_is_content_with_a_living_cluster():
    cluster()
    factories.put()

    assert check() == (0, "ok: 1 cluster alive, 1 task ready")


def test_the_check_is_critical_without_a_cluster():
    assert check() == (2, f"critical: {DESERTED}")


def test_the_check_is_critical_when_work_waits_in_a_queue_that_nobody_serves():
    cluster()
    factories.put(queue="reports")

    assert check() == (2, 'critical: no cluster serves "reports"; start manage.py qcluster -n reports')


def test_the_check_does_not_believe_a_cluster_past_its_lease():
    factories.register(lease=-1)

    assert check()[0] == 2


@pytest.mark.parametrize(("limit", "code"), [("3", 0), ("2", 1)])
def test_the_check_warns_of_a_long_queue(limit, code):
    cluster()
    factories.put_many([(1,)] * 3)

    assert check("--max-queue", limit)[0] == code


def test_the_check_warns_of_an_old_task():
    cluster()
    OrmQ.objects.filter(pk=factories.put()).update(enqueued_at=dialect_for("default").later_expression(-90))

    code, line = check("--max-age", "60")

    assert code == 1
    assert line.startswith('warning: the oldest ready task of queue "default" waits for 9')
    assert check("--max-age", "600")[0] == 0


def test_the_check_can_answer_in_json():
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("qinfo", "--check", "--json", stdout=out)

    assert json.loads(out.getvalue()) == {"code": 2, "line": DESERTED}


@pytest.mark.parametrize("arguments", [("--max-queue", "few"), ("--max-age", "-1"), ("--max-age", "nan")])
def test_a_threshold_that_is_no_number_is_refused(arguments):
    with pytest.raises(CommandError, match="write 0 or more"):
        check(*arguments)


def test_a_threshold_without_a_check_is_refused():
    with pytest.raises(CommandError, match="--check"):
        qinfo("--max-queue", "0")


@pytest.mark.parametrize(("file", "reason"), [("empty.sqlite3", "no such table"), ("no/such/folder", "unable to open")])
def test_a_database_that_cannot_be_read_is_critical_and_named(tmp_path, file, reason):
    asked, checked = as_process(tmp_path / file), as_process(tmp_path / file, "--check")

    line = "the database 'default' of Q_CLUSTER['orm'] cannot be read"
    assert (asked.returncode, asked.stdout) == (2, "")
    assert asked.stderr.startswith(f"CommandError: {line}") and reason in asked.stderr
    assert (checked.returncode, checked.stderr) == (2, "")
    assert checked.stdout.startswith(f"critical: {line}") and reason in checked.stdout


def as_process(file, *args):
    """Run qinfo in a project of its own, with the database in this file, through a pipe."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}
    code = (
        "from django.conf import settings;"
        f"settings.configure(SECRET_KEY='x', INSTALLED_APPS=['django_q'], DATABASES={{'default': {database!r}}});"
        f"from django.core.management import execute_from_command_line as run; run(['manage.py', 'qinfo', *{args!r}])"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)


# --- of this host only ---------------------------------------------------------------------------------------------


def test_a_check_of_this_host_counts_its_clusters_only():
    factories.register()  # elsewhere

    assert check("--here") == (
        2, f"critical: no cluster is alive on this host, {socket.gethostname()!r}; start manage.py qcluster here",
    )  # fmt: skip
    factories.register(host=socket.gethostname())
    assert check("--here") == (0, "ok: 1 cluster alive, 0 tasks ready")


def test_a_check_of_this_host_is_no_judge_of_queues_that_others_serve():
    factories.register(host=socket.gethostname())
    factories.put_many([(1,)] * 3, queue="reports")

    assert check("--here", "--max-queue", "2")[0] == 0
    assert check("--max-queue", "2")[0] == 2


def test_here_without_a_check_is_refused():
    with pytest.raises(CommandError, match="--here belong to --check"):
        call_command("qinfo", "--here")
