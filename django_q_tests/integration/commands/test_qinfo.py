"""``manage.py qinfo``: what it prints, and how it exits."""

import io
import json
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from django_q.brokers.orm import OrmBroker
from django_q.engine.completion import finish
from django_q.kernel.messages import Outcome, Report
from django_q.kernel.states import Ending, TaskState
from django_q.models import Incarnation, OrmQ
from django_q.models.dialects import dialect_for
from django_q.models.dialects.base import Later
from django_q.tasks import async_task, cancel
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

    # Living and ended clusters, depths, the oldest of one queue, two for the last day, unknown functions.
    with django_assert_num_queries(7):
        qinfo()


def test_the_history_is_counted_through_a_limit(django_assert_num_queries):
    with django_assert_num_queries(6) as captured:
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
