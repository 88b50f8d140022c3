import json
from datetime import datetime, timedelta, timezone
from functools import partial
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

import django_q
from django_q import conf, signals, tasks
from django_q.brokers import current_broker
from django_q.brokers.orm import OrmBroker
from django_q.exceptions import FunctionNotFound, InvalidOption, InvalidSettings, InvalidValue, UnpicklableError
from django_q.kernel import ids, names
from django_q.kernel.states import TaskKind, TaskState
from django_q.models import OrmQ
from django_q.tasks import aasync_task, async_task, queue_size
from django_q_tests.integration.tasks import functions
from django_q_tests.integration.tasks.functions import Counter, add

PATH = "django_q_tests.integration.tasks.functions"

atomic_db = pytest.mark.django_db
committing_db = pytest.mark.django_db(transaction=True)


def call_of(row):
    """Return the callable that travels with a row, and the arguments."""
    codec = conf.current().codec()
    blob = bytes(row.__dict__["args"])
    carried, args = codec.decode_call(blob, purpose="args", task_id=row.pk, func=row.func)
    return carried, args, row.kwargs


# --- the row -------------------------------------------------------------------------------------------------------


@atomic_db
def test_a_call_becomes_one_row_that_may_be_claimed():
    task_id = async_task("math.copysign", 2, -2)

    row = OrmQ.objects.get()
    assert (row.pk, row.func, row.args, row.kwargs) == (task_id, "math.copysign", (2, -2), {})
    assert (row.kind, row.state, row.queue) == (TaskKind.TASK, TaskState.READY, "default")
    assert row.name == names.name_of(task_id)
    assert ids.is_id(task_id)
    assert (row.options, row.group, row.hook, row.run_after, row.priority) == ("", None, None, None, 0)


@atomic_db
def test_enqueueing_is_one_statement():
    async_task("math.copysign", 2, -2)

    with CaptureQueriesContext(connection) as statements:
        async_task("math.copysign", 2, -2, group="a", hook="math.floor", timeout=5, run_after=timedelta(hours=1))

    assert len(statements) == 1


@committing_db
def test_enqueueing_outside_of_a_transaction_is_one_statement(rung):
    with CaptureQueriesContext(connection) as statements:
        async_task("math.copysign", 2, -2)

    assert [query["sql"][:6] for query in statements.captured_queries] == ["INSERT"]


@atomic_db
def test_the_row_is_stamped_by_the_databases_clock():
    async_task("math.copysign", 2, -2)

    age = datetime.now(timezone.utc) - OrmQ.objects.get().enqueued_at
    assert abs(age) < timedelta(seconds=60)


@atomic_db
def test_options_are_kept_where_they_belong():
    async_task(
        add,
        1,
        hook="math.floor",
        group="letters",
        save=False,
        timeout=5,
        max_attempts=3,
        backoff=[1, 2],
        task_name="my name",
        cluster="slow",
        priority=-5,
        ack_failure=True,
        cached=60,
    )

    row = OrmQ.objects.get()
    assert (row.hook, row.group, row.name, row.queue, row.priority) == ("math.floor", "letters", "my name", "slow", -5)
    assert json.loads(row.options) == {
        "save": False,
        "timeout": 5,
        "max_attempts": 3,
        "backoff": [1, 2],
        "ack_failure": True,
        "cached": 60,
    }


@atomic_db
def test_q_options_and_the_function_may_use_the_same_name():
    async_task(f"{PATH}.add", 1, group="theirs", q_options={"group": "ours"})

    row = OrmQ.objects.get()
    assert (row.group, row.kwargs) == ("ours", {"group": "theirs"})


@atomic_db
def test_a_function_may_have_a_parameter_called_func():
    async_task("builtins.dict", func=1)

    assert OrmQ.objects.get().kwargs == {"func": 1}


@atomic_db
def test_a_model_instance_arrives_as_its_equal():
    user = User.objects.create(username="ada")

    async_task(f"{PATH}.add", user, second=[user])

    row = OrmQ.objects.get()
    assert (row.args, row.kwargs) == ((user,), {"second": [user]})


@atomic_db
def test_json_is_written_where_it_is_asked_for():
    async_task("math.copysign", 2, -2, serializer="json")

    row = OrmQ.objects.get()
    assert (row.serializer, list(row.args)) == ("json", [2, -2])
    with pytest.raises(UnpicklableError, match="Argument 1"):
        async_task("math.copysign", {1, 2}, serializer="json")


@atomic_db
@pytest.mark.parametrize(
    ("func", "path"),
    [
        ("math.copysign", "math.copysign"),
        ("math:copysign", "math.copysign"),
        (add, f"{PATH}.add"),
        (Counter, f"{PATH}.Counter"),
        (len, "builtins.len"),
        (functions.add_later, f"{PATH}.add_later"),
    ],
)
def test_what_has_a_path_is_stored_by_it(func, path):
    async_task(func, [1], *[2] * (func not in (len, Counter)))

    row = OrmQ.objects.get()
    assert row.func == path
    assert call_of(row)[0] is None


@atomic_db
@pytest.mark.parametrize(
    ("func", "shown", "result"),
    [
        (Counter(5).plus, "Counter.plus", 7),
        (Counter(5), "Counter", 3),
        (partial(add, second=5), "functools.partial", 7),
    ],
)
def test_what_has_no_path_travels_with_its_arguments(func, shown, result):
    async_task(func, 2)

    row = OrmQ.objects.get()
    carried, args, kwargs = call_of(row)
    assert shown in row.func
    assert carried(*args, **kwargs) == result


@atomic_db
def test_a_hook_without_a_path_travels_with_the_keywords():
    async_task(add, 1, second=2, hook=Counter(5).hook)

    row = OrmQ.objects.get()
    blob = bytes(row.__dict__["kwargs"])
    hook, kwargs = conf.current().codec().decode_call(blob, purpose="kwargs", task_id=row.pk, func=row.func)
    assert (hook.__self__.start, kwargs) == (5, {"second": 2})
    assert json.loads(row.options) == {"hook_pickled": True}
    assert row.hook.endswith("Counter.hook")


# --- what cannot be enqueued ---------------------------------------------------------------------------------------


@atomic_db
@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: async_task(lambda: None), UnpicklableError),
        (lambda: async_task(add, lambda: None), UnpicklableError),
        (lambda: async_task(add, 1, secnd=2), InvalidOption),
        (lambda: async_task(add, 1, timout=2), InvalidOption),
        (lambda: async_task(add), InvalidOption),
        (lambda: async_task(add, 1, timeout=-1), InvalidValue),
        (lambda: async_task("copysign", 1), InvalidValue),
        (lambda: async_task("a." + "b" * 254), InvalidValue),
        (lambda: async_task(None), InvalidValue),
    ],
)
def test_what_cannot_run_is_refused_at_the_call_and_leaves_nothing(call, error):
    with pytest.raises(error):
        call()

    assert not OrmQ.objects.exists()


@atomic_db
def test_a_path_is_not_imported_to_be_enqueued():
    async_task("there_is.no_such_module", 1)
    async_task(f"{PATH}.ad", 1)

    assert queue_size() == 2


@atomic_db
@override_settings(DEBUG=True)
def test_with_debug_a_missing_function_of_a_module_that_is_there_is_refused_with_the_nearest_name():
    with pytest.raises(FunctionNotFound, match=f"Did you mean '{PATH}.add'"):
        async_task(f"{PATH}.ad", 1)
    with pytest.raises(FunctionNotFound, match=f"Did you mean '{PATH}.seen'"):
        async_task(f"{PATH}.add", 1, hook=f"{PATH}.sen")


@atomic_db
@override_settings(DEBUG=True)
def test_with_debug_a_module_that_is_only_where_the_workers_are_is_accepted_with_a_warning():
    with pytest.warns(UserWarning, match="there is no module 'there_is'.* The task waits for a worker that knows it."):
        async_task("there_is.no_such_module", 1)

    assert OrmQ.objects.get().func == "there_is.no_such_module"


@atomic_db
@override_settings(DEBUG=True)
def test_with_debug_the_arguments_of_a_path_are_checked_as_those_of_a_callable():
    with pytest.raises(InvalidOption, match="'timout'.* Did you mean the option 'timeout'?"):
        async_task(f"{PATH}.add", 1, timout=5)
    with pytest.raises(InvalidOption, match="missing a required argument: 'first'"):
        async_task(f"{PATH}.add")


# --- due later -----------------------------------------------------------------------------------------------------


@atomic_db
def test_a_span_ahead_is_counted_by_the_databases_clock():
    async_task("math.floor", 1, run_after=timedelta(hours=1))

    row = OrmQ.objects.get()
    assert row.state == TaskState.DEFERRED
    assert abs(row.run_after - row.enqueued_at - timedelta(hours=1)) < timedelta(seconds=1)


@atomic_db
def test_a_moment_ahead_is_kept():
    moment = datetime(2100, 1, 2, 3, 4, 5, tzinfo=timezone.utc)

    async_task("math.floor", 1, run_after=moment)

    row = OrmQ.objects.get()
    assert (row.state, row.run_after) == (TaskState.DEFERRED, moment)


@atomic_db
@pytest.mark.parametrize("past", [timedelta(0), timedelta(days=-1), datetime(2000, 1, 1, tzinfo=timezone.utc)])
def test_what_was_due_in_the_past_is_due_at_once(past):
    async_task("math.floor", 1, run_after=past)

    assert OrmQ.objects.get().state == TaskState.READY


# --- brokers -------------------------------------------------------------------------------------------------------


class Recorder(OrmBroker):
    """Counts what it was given."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def enqueue(self, rows):
        self.rows += rows
        super().enqueue(rows)


def test_the_settings_name_the_broker_by_its_path():
    with override_settings(Q_CLUSTER={"broker_class": f"{__name__}.Recorder"}):
        assert isinstance(current_broker(), Recorder)
        assert current_broker() is current_broker()

    assert type(current_broker()) is OrmBroker


@pytest.mark.parametrize("path", ["nowhere.Broker", "math.floor", "builtins.dict", "nodots"])
def test_a_path_that_leads_to_no_broker_is_an_error_of_the_settings(path):
    with override_settings(Q_CLUSTER={"broker_class": path}), pytest.raises(InvalidSettings, match=path):
        current_broker()


@atomic_db
def test_a_call_may_bring_its_own_broker():
    broker = Recorder()

    task_id = async_task("math.floor", 1, broker=broker)

    assert [row[0] for row in broker.rows] == [task_id]
    assert queue_size() == 1


# --- names and signals ---------------------------------------------------------------------------------------------


def test_async_is_reached_by_getattr_and_async_by_import():
    assert getattr(django_q, "async") is getattr(tasks, "async") is tasks.async_ is django_q.async_task is async_task


def test_all_that_is_promised_can_be_imported():
    assert all(hasattr(tasks, name) for name in tasks.__all__)


@committing_db
def test_a_coroutine_enqueues(rung):
    async def view():
        return await aasync_task("math.floor", 1, group="async")

    task_id = async_to_sync(view)()

    assert OrmQ.objects.get(pk=task_id).group == "async"


@pytest.fixture
def heard():
    """Connect receivers for the time of a test."""
    connected = []

    def connect(signal, receiver):
        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))

    yield connect
    for signal, receiver in connected:
        signal.disconnect(receiver)


@atomic_db
def test_the_signals_are_sent_around_the_insert(heard):
    sent = []
    heard(signals.pre_enqueue, lambda task, **_: sent.append(("before", queue_size(), task["func"])))
    heard(signals.post_enqueue, lambda task, **_: sent.append(("after", queue_size(), task["args"])))

    task_id = async_task(add, 1, group="a")

    assert sent == [("before", 0, f"{PATH}.add"), ("after", 1, (1,))]
    assert OrmQ.objects.get().pk == task_id


@atomic_db
def test_a_receiver_may_change_the_call(heard):
    def change(task, **_):
        task.update(args=(5,), kwargs={"second": 6}, name="changed")
        task["options"]["group"] = "changed"

    heard(signals.pre_enqueue, change)

    async_task(add, 1)

    row = OrmQ.objects.get()
    assert (row.args, row.kwargs, row.name, row.group) == ((5,), {"second": 6}, "changed", "changed")


@atomic_db
def test_a_receiver_that_raises_does_not_stop_the_task(heard, caplog):
    heard(signals.pre_enqueue, lambda **_: 1 / 0)

    async_task("math.floor", 1)

    assert queue_size() == 1
    assert "ZeroDivisionError" in caplog.text


@atomic_db
def test_the_keywords_of_the_first_versions_are_accepted():
    with pytest.warns(DeprecationWarning):
        task_id = async_task("math.copysign", 2, -2, redis=None, list_key="q")

    assert OrmQ.objects.get(pk=UUID(task_id).hex).kwargs == {}
