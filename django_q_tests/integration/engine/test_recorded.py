"""What receivers of attempts_recorded write is committed with the outcome, or not at all."""

from contextlib import contextmanager

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, OperationalError

from django_q import signals
from django_q.engine import recorded
from django_q.engine.recorded import RecordedAttempt
from django_q.models import OrmQ, Task
from django_q.tasks import async_task, cancel, delete
from django_q.testing import run_all
from django_q_tests.integration.tasks.functions import add, fail

pytestmark = pytest.mark.django_db


@contextmanager
def receiving(receiver):
    signals.attempts_recorded.connect(receiver)
    try:
        yield
    finally:
        signals.attempts_recorded.disconnect(receiver)


def note(sender, attempts, using, **kwargs):
    """Write a group for each attempt."""
    for attempt in attempts:
        Group.objects.using(using).create(name=f"{attempt.name} {attempt.attempt} {attempt.success} {attempt.is_last}")


def groups():
    return sorted(Group.objects.values_list("name", flat=True))


def test_each_attempt_is_told_once_with_how_it_ended():
    with receiving(note):
        async_task(add, 1, 2, task_name="sum")
        async_task(fail, task_name="bad", max_attempts=2, backoff=0)
        run_all()

    assert groups() == ["bad 1 False False", "bad 2 False True", "sum 1 True True"]


def test_an_attempt_tells_what_its_task_is():
    told = []
    with receiving(receiver := lambda attempts, **kwargs: told.extend(attempts)):
        id = async_task(fail, task_name="bad", group="g", priority=4, timeout=60)
        run_all()
    del receiver

    (attempt,) = told
    assert (attempt.id, attempt.name, attempt.group, attempt.queue, attempt.priority) == (id, "bad", "g", "default", 4)
    assert attempt.func.endswith("functions.fail") and attempt.options["timeout"] == 60
    assert attempt.reason == "error" and attempt.error


def test_an_error_of_a_receiver_undoes_its_writes_for_that_attempt_only(caplog):
    def fall(sender, attempts, using, **kwargs):
        note(sender, attempts, using)
        if any(attempt.name == "second" for attempt in attempts):
            raise ValueError("the second one")

    ids = [async_task(add, 1, task_name=name) for name in ("first", "second", "third")]
    with receiving(fall):
        run_all()

    assert set(Task.objects.values_list("pk", flat=True)) == set(ids) and not OrmQ.objects.exists()
    assert groups() == ["first 1 True True", "third 1 True True"]
    assert f"task {ids[1]} could not be written" in caplog.text and "the second one" in caplog.text


def test_a_receiver_whose_row_is_refused_does_not_hold_the_outcome_up(caplog):
    def double(sender, attempts, using, **kwargs):
        note(sender, attempts, using)
        note(sender, attempts, using)

    with receiving(double):
        async_task(add, 1, task_name="sum")
        run_all()

    assert Task.objects.count() == 1 and groups() == []
    assert IntegrityError.__name__ in caplog.text


def test_an_error_that_may_pass_leaves_everything_as_it_was_and_is_raised():
    def lose(sender, attempts, using, **kwargs):
        note(sender, attempts, using)
        raise OperationalError("the connection is gone")

    async_task(add, 1, task_name="sum")
    with receiving(lose), pytest.raises(OperationalError, match="gone"):
        run_all()

    assert groups() == [] and not Task.objects.exists()
    assert OrmQ.objects.count() == 1


def test_hooks_are_no_attempts():
    with receiving(note):
        async_task(add, 1, task_name="sum", hook="django_q_tests.integration.tasks.functions.seen")
        run_all()

    assert groups() == ["sum 1 True True"]


def test_of_a_batch_only_the_attempt_that_led_to_an_error_is_left_out(caplog):
    def fall(sender, attempts, using, **kwargs):
        note(sender, attempts, using)
        if any(attempt.name == "second" for attempt in attempts):
            raise ValueError("the second one")

    batch = [
        RecordedAttempt(
            id=name, name=name, func="f", group=None, queue="q", priority=0, attempt=1, success=True, is_last=True,
            reason=None, error="", options={},
        )
        for name in ("first", "second", "third")
    ]  # fmt: skip
    with receiving(fall):
        recorded.tell(batch, "default")

    assert groups() == ["first 1 True True", "third 1 True True"]
    assert len(caplog.records) == 1


def test_a_task_that_is_canceled_or_deleted_before_it_began_is_told():
    told = []
    with receiving(receiver := lambda attempts, **kwargs: told.extend(attempts)):
        canceled, deleted = async_task(add, 1), async_task(add, 2)
        cancel(canceled)
        delete(deleted)
    del receiver

    assert [(one.id, one.is_last, one.success, one.reason) for one in told] == [
        (canceled, True, False, "canceled"),
        (deleted, True, False, "canceled"),
    ]
    assert [one.error for one in told] == ["Canceled before it started.", "Deleted before it started."]
