"""Functions that enqueue themselves."""

import functools
import inspect
from datetime import timedelta

import pytest
from django.utils import timezone

from django_q import shared_task
from django_q.exceptions import InvalidOption, InvalidValue, UnpicklableError
from django_q.kernel.states import TaskState
from django_q.models import OrmQ, Task
from django_q.tasks import async_task, fetch
from django_q_tests.integration.tasks import shared

pytestmark = pytest.mark.django_db


def test_a_shared_task_is_still_a_function():
    assert shared.add(1, 2) == 3
    assert (shared.add.__name__, shared.add.__doc__) == ("add", "Return a sum.")
    assert repr(shared.add) == "<SharedTask django_q_tests.integration.tasks.shared.add>"
    assert not OrmQ.objects.exists()


def test_delay_enqueues_a_call():
    row = OrmQ.objects.get(pk=shared.add.delay(1, right=2))

    assert (row.func, row.args, row.kwargs) == (f"{shared.__name__}.add", (1,), {"right": 2})


def test_every_keyword_of_delay_is_the_functions():
    row = OrmQ.objects.get(pk=shared.takes_options.delay(group="g", timeout=5))

    assert (row.kwargs, row.group, row.options) == ({"group": "g", "timeout": 5}, None, "")


def test_a_bound_function_gets_its_task_and_the_options_of_its_decorator(settings):
    settings.Q_CLUSTER = {"sync": True}

    task = fetch(shared.bound.delay(5))

    assert task.result == (f"{shared.__name__}.bound", task.pk, 5)
    assert (task.group, task.options) == ("bound", '{"timeout":60}')
    assert list(inspect.signature(shared.bound).parameters) == ["number"]


@pytest.mark.parametrize(("function", "args", "result"), [(shared.add, (1, 2), 3), (shared.coroutine, (1,), 2)])
def test_a_worker_runs_the_function_and_not_its_wrapper(settings, function, args, result):
    settings.Q_CLUSTER = {"sync": True}

    assert fetch(function.delay(*args)).result == result
    assert fetch(async_task(function, *args)).result == result
    assert fetch(async_task(function.name, *args)).result == result


def test_a_base_says_what_enqueueing_means_and_what_the_function_sees(settings):
    settings.Q_CLUSTER = {"sync": True}

    task = fetch(shared.loud.delay("hello"))

    assert (task.name, task.result) == ("loud", ("HELLO", f"{shared.__name__}.loud in default"))


def test_options_of_a_call_win_over_those_of_the_decorator():
    row = OrmQ.objects.get(pk=shared.bound.apply_async([5], group="other", priority=3, queue="slow"))

    assert (row.group, row.priority, row.queue, row.options) == ("other", 3, "slow", '{"timeout":60}')


def test_celerys_names_are_understood():
    later = OrmQ.objects.get(pk=shared.add.apply_async((1,), {"right": 2}, countdown=60))
    then = OrmQ.objects.get(pk=shared.add.apply_async((1,), eta=timezone.now() + timedelta(hours=1), time_limit=9))

    assert (later.state, later.kwargs) == (TaskState.DEFERRED, {"right": 2})
    assert (then.state, then.options) == (TaskState.DEFERRED, '{"timeout":9}')


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"countdwon": 5}, InvalidOption, "A task has no option 'countdwon'. Did you mean the option 'countdown'?"),
        ({"countdown": -5}, InvalidValue, "countdown=-5 cannot be used; it is a number of seconds, 0 or above."),
        ({"countdown": "5"}, InvalidValue, "countdown='5' cannot be used"),
        ({"countdown": 5, "eta": None}, InvalidValue, "'eta' and another option both say 'run_after'. Leave one out."),
        ({"timeout": -1}, InvalidValue, "timeout=-1 cannot be used"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(given, error, words):
    with pytest.raises(error) as caught:
        shared.add.apply_async((1,), **given)

    assert words in str(caught.value)
    with pytest.raises(error):
        shared_task(**given)
    assert not OrmQ.objects.exists()


def test_an_argument_that_the_function_does_not_take_is_refused():
    with pytest.raises(InvalidOption, match="'rigth'.* Did you mean the parameter 'right'?"):
        shared.add.delay(1, rigth=2)


def test_a_base_that_is_none_is_refused():
    with pytest.raises(InvalidValue, match="base=<class 'int'> is no subclass of django_q.tasks.SharedTask."):
        shared_task(base=int)


def test_a_function_that_no_worker_could_find_is_refused():
    @shared_task
    def local():
        """Be nowhere."""

    with pytest.raises(UnpicklableError, match="Define it at the top level of a module"):
        local.delay()


def test_a_shared_task_may_be_wrapped_again():
    partial = functools.partial(shared.add, 1)

    assert fetch(async_task(partial, 2, sync=True)).result == 3
    assert Task.objects.count() == 1
