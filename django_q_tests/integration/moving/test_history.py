"""What had ended under Django Q, in our history."""

from datetime import timedelta

import pytest

from django_q.models import Failure, Moved, Success, Task
from django_q.models.fields import sealed_bytes
from django_q.tasks import fetch, result
from django_q_tests.integration.moving import old
from django_q_tests.integration.moving.old import Bomb

pytestmark = pytest.mark.django_db
ERROR = """broken : Traceback (most recent call last):
  File "/site/django_q/worker.py", line 99, in worker
    res = f(*args, **kwargs)
  File "/shop/tasks.py", line 7, in send
    raise ValueError("broken")
ValueError: broken
"""


def test_a_success_is_the_same_here_under_its_id(move):
    stopped = old.moment(-50)
    columns = {"name": "first mail", "group": "mails", "hook": "shop.hooks.sent", "cluster": "mails"}
    id = old.ended({"sent": 2}, args=("jo",), kwargs={"fast": True}, stopped=stopped, attempt_count=2, **columns)

    report = move("--trust-pickles")

    task = Success.objects.get()
    assert report["history"]["moved"] == 1
    assert (task.pk, task.name, task.func, task.group) == (id, "first mail", "shop.tasks.send", "mails")
    assert (task.hook, task.cluster, task.queue, task.attempt_count) == ("shop.hooks.sent", "mails", "mails", 2)
    assert (task.args, task.kwargs, task.result) == (("jo",), {"fast": True}, {"sent": 2})
    assert (result(id), fetch("first mail").pk) == ({"sent": 2}, id)
    assert abs(task.stopped - stopped) < timedelta(milliseconds=1)
    assert task.started == task.enqueued_at
    assert (task.reason, task.error) == (None, "")


def test_a_failure_has_its_error_and_its_traceback(move):
    id = old.ended(ERROR, success=False)
    late = old.ended(
        ERROR.replace("ValueError: broken", "django_q.exceptions.TimeoutException: Task exceeded"), success=False
    )
    odd = old.ended("Function x is not defined", success=False)

    move("--trust-pickles")

    failure = Failure.objects.get(pk=id)
    assert (failure.reason, failure.error, failure.result) == ("error", "ValueError: broken", ERROR)
    assert failure.traceback.startswith("Traceback") and "tasks.py" in failure.traceback
    assert Failure.objects.get(pk=late).reason == "timeout"
    assert Failure.objects.get(pk=odd).error == "Function x is not defined"


def test_pickles_are_not_read_unless_they_are_trusted(move, texts, tmp_path):
    id = old.ended(Bomb(tmp_path / "exploded"), args=(Bomb(tmp_path / "exploded"),))

    report = move()

    assert not (tmp_path / "exploded").exists()
    assert "1: without arguments, result and error: these are unsigned pickles" in texts(report["history"]["notes"])
    assert "--trust-pickles" in "\n".join(report["remarks"])
    task = Task.objects.get()
    assert (task.pk, task.args, task.kwargs, task.result) == (id, None, None, None)


def test_a_later_run_with_trust_fills_in_what_the_first_left_out(move):
    good, bad = old.ended([1, 2]), old.ended(ERROR, success=False)
    move()

    report = move("--trust-pickles")

    assert (report["history"]["completed"], report["history"]["before"]) == (2, 2)
    assert (result(good), Task.objects.get(pk=good).args) == ([1, 2], (1, 2))
    assert Task.objects.get(pk=bad).error == "ValueError: broken"
    before = list(Task.objects.order_by("pk").values_list())
    assert move("--trust-pickles")["history"]["completed"] == 0
    assert list(Task.objects.order_by("pk").values_list()) == before


def test_a_dry_run_counts_what_would_be_filled_in(move):
    old.ended()
    move()

    assert move("--trust-pickles", "--dry-run")["history"]["completed"] == 1
    assert Task.objects.get().result is None
    assert Moved.objects.get().is_incomplete


def test_nothing_is_filled_in_where_the_row_was_deleted(move, texts):
    old.ended()
    move()
    Task.objects.all().delete()

    report = move("--trust-pickles")

    assert report["history"]["completed"] == 0
    assert "1: its row was deleted here" in texts(report["history"]["notes"])
    assert not Task.objects.exists()


def test_what_was_pruned_is_not_moved_again(move):
    old.ended()
    move("--trust-pickles")
    Task.objects.all().delete()

    assert move("--trust-pickles")["history"]["before"] == 1
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("column", "said"),
    [(old.pickled(open)[:-8], "unpickled here"), ("no base64 %", "no pickle"), ("Y3Bvd2VyCg==", "Error")],
)
def test_a_row_whose_pickles_cannot_be_read_is_moved_without_them(move, texts, column, said):
    id = old.ended(result=column, args=column)
    old.OldTask.objects.filter(pk=id).update(result=column)
    fine = old.ended(5)

    report = move("--trust-pickles")

    assert said in texts(report["history"]["notes"])
    assert (result(id), result(fine)) == (None, 5)
    assert Task.objects.count() == 2


def test_a_row_that_is_odd_is_moved_all_the_same(move, texts):
    old.ended(id="7", func="f" * 256, attempt_count=0, cluster=None, args=None, result=None)

    report = move("--trust-pickles")

    task = Task.objects.get()
    assert "1: the path of its function or hook has more than 255" in texts(report["history"]["notes"])
    assert (task.pk, task.func, task.cluster, task.queue) == ("7", "f" * 255, None, "default")
    assert (task.args, task.kwargs, task.result) == (None, {}, None)


def test_a_row_whose_id_is_here_already_stays(move, texts):
    id = old.ended()
    move()
    Moved.objects.all().delete()

    assert "1: a task with its id is here already" in texts(move()["history"]["stays"])
    assert Task.objects.get().pk == id


def test_payloads_are_signed_for_their_row_from_then_on(move):
    one, other = old.ended("one"), old.ended("other")
    move("--trust-pickles")

    task = Task.objects.get(pk=one)
    stolen = sealed_bytes(Task.objects.get(pk=other), "result")
    from django_q.exceptions import PayloadError
    from django_q.models.fields import Sealed

    Task.objects.filter(pk=one).update(result=Sealed(stolen))
    assert task.result == "one"
    with pytest.raises(PayloadError):
        Task.objects.get(pk=one).result  # noqa: B018  reading it is what is refused


def test_what_the_clusters_would_delete_at_once_is_told(move, settings):
    settings.Q_CLUSTER = {"keep_successes": 3600, "keep_failures": None}
    old.ended(stopped=old.moment(-4000))
    old.ended(ERROR, success=False, stopped=old.moment(-4000))
    old.ended()

    remarks = "\n".join(move()["remarks"])

    assert "1 successes ended longer ago than Q_CLUSTER['keep_successes'] keeps them" in remarks
    assert "keep_failures" not in remarks


def test_a_queue_that_is_elsewhere_is_told(move, settings):
    settings.Q_CLUSTER = {"redis": {"host": "localhost"}}

    assert "Q_CLUSTER names 'redis': what waits there is not in the database" in "\n".join(move()["remarks"])


def test_more_rows_than_a_batch_holds_are_all_moved(move):
    ids = {old.ended(number) for number in range(5)}

    assert move("--batch", "2", "--trust-pickles")["history"]["moved"] == 5
    assert set(Task.objects.values_list("pk", flat=True)) == ids


def test_the_moments_of_a_project_without_time_zones_are_kept(move, settings):
    settings.USE_TZ = False
    stopped = old.moment(-50)
    id = old.ended(stopped=stopped)

    move()

    assert abs(Task.objects.get(pk=id).stopped - stopped) < timedelta(milliseconds=1)
