"""Run one attempt of one task; whatever happens becomes an outcome.

The steps are :func:`prepare`, :func:`perform` (:func:`aperform` for coroutines), :func:`conclude` and :func:`announce`;
:func:`run` takes them all. None of them raises what user code raised.
"""

import asyncio
import contextvars
import inspect
import json
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from django_q import conf, signals
from django_q.engine import context, failures, gathering, hooks, reporters, told
from django_q.engine.context import RunningTask
from django_q.engine.decision import EXPIRES
from django_q.engine.places import in_event_loop
from django_q.engine.progress import Meter, Sink
from django_q.engine.timeouts import AsyncGuard, Guard
from django_q.exceptions import (
    DoNotRetry,
    FunctionNotFound,
    ItemsFailed,
    PayloadError,
    TaskCanceled,
    TaskExpired,
    TaskStopped,
    TaskTimeout,
    TryAgain,
    UnpicklableError,
)
from django_q.kernel import callables, clock
from django_q.kernel.codec import serializer_of
from django_q.kernel.messages import Envelope, Letter, Outcome, Report
from django_q.kernel.states import ERRORS, Ending, TaskKind

_NOT_STORED = "The task ran, but its result cannot be stored"
_HOOK = TaskKind.HOOK.value
_GATHER = TaskKind.GATHER.value


@dataclass(slots=True)
class Attempt:
    """One attempt on its way from an envelope to an outcome."""

    envelope: Envelope
    letter: Letter
    worker: str
    task: RunningTask
    started: float = field(default_factory=clock.epoch)
    function: Callable[..., Any] | None = None
    args: Any = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    is_async: bool = False
    is_unknown: bool = False  # the function does not exist here
    result: bytes = b""
    error: BaseException | None = None


def execute(envelope: Envelope, letter: Letter, *, worker: str, guard: Guard | None = None) -> Outcome:
    """Run an attempt to its end and return how it ended."""
    return run(envelope, letter, worker=worker, guard=guard)[0]


def run(
    envelope: Envelope, letter: Letter, *, worker: str, guard: Guard | None = None, sink: Sink | None = None
) -> tuple[Outcome, BaseException | None]:
    """Run an attempt to its end; return how it ended and the very exception that ended it, if one did."""
    attempt = prepare(envelope, letter, worker=worker, sink=sink)
    perform(attempt, guard)
    outcome = conclude(attempt)
    announce(attempt, outcome)
    if attempt.error is not None and outcome.ending in ERRORS:
        reporters.report(attempt.error, task=attempt.task)
    return outcome, attempt.error


def prepare(
    envelope: Envelope,
    letter: Letter,
    *,
    worker: str,
    asked: Callable[[], object] = context.never,
    sink: Sink | None = None,
) -> Attempt:
    """Decode the arguments and find the function. What goes wrong is kept in the attempt."""
    task = RunningTask(
        envelope.id,
        letter.name,
        envelope.func,
        letter.group,
        letter.queue,
        letter.attempts + 1,
        asked,
        None if sink is None else Meter(envelope.id, sink),
    )
    attempt = Attempt(envelope, letter, worker, task)
    try:
        _open(attempt)
    except BaseException as error:  # importing a module and unpickling run user code
        attempt.error = error
        attempt.is_unknown = isinstance(error, FunctionNotFound) or _lacks_code(error)
    return attempt


def perform(attempt: Attempt, guard: Guard | None = None) -> None:
    """Call the function, unless the attempt has failed already, in a context of its own."""
    if attempt.error is not None:
        return
    own = contextvars.copy_context()
    try:
        if attempt.is_async:
            own.run(_run_loop, aperform(attempt, AsyncGuard()))
        elif guard is None:
            own.run(_call, attempt)
        else:
            guard.call(attempt.envelope.timeout, own.run, _call, attempt)
    except BaseException as error:  # the wall around the user's function
        attempt.error = error


async def aperform(attempt: Attempt, guard: AsyncGuard) -> None:
    """Await the coroutine function, unless the attempt has failed already."""
    if attempt.error is not None:
        return
    try:
        await guard.call(attempt.envelope.timeout, _acall, attempt)
    except BaseException as error:  # the wall around the user's function
        attempt.error = error


def conclude(attempt: Attempt) -> Outcome:
    """Return how the attempt ended."""
    envelope, error, stopped = attempt.envelope, attempt.error, clock.epoch()
    if error is None:
        report = Report(attempt.started, stopped, attempt.result, "", "", attempt.worker)
        return Outcome(envelope.id, envelope.token, Ending.SUCCEEDED, report)
    if attempt.function is not None:
        failures.add_hint(error, attempt.function, attempt.kwargs)
    line, trace = failures.describe(error), failures.trace_of(error)
    failures.shorten(error)
    text = f"{line} : {trace}" if trace else line
    result = attempt.result if isinstance(error, ItemsFailed) else _seal(attempt, text)
    delay = error.delay if isinstance(error, TryAgain) else None
    report = Report(attempt.started, stopped, result, line, trace, attempt.worker, delay)
    return Outcome(envelope.id, envelope.token, _ending_of(attempt), report)


def announce(attempt: Attempt, outcome: Outcome) -> None:
    """Tell the receivers in this process that a function ended."""
    if attempt.function is not None and signals.post_execute_in_worker.receivers:
        task = told.of_ended(attempt.task, attempt.args, attempt.kwargs, outcome)
        signals.send(signals.post_execute_in_worker, func=attempt.function, task=task, outcome=outcome)


async def aannounce(attempt: Attempt, outcome: Outcome) -> None:
    """Tell the receivers in this process that a coroutine function ended."""
    if attempt.function is not None and signals.post_execute_in_worker.receivers:
        task = told.of_ended(attempt.task, attempt.args, attempt.kwargs, outcome)
        await signals.asend(signals.post_execute_in_worker, func=attempt.function, task=task, outcome=outcome)


# --- prepare -------------------------------------------------------------------------------------------------------


def _open(attempt: Attempt) -> None:
    envelope, letter = attempt.envelope, attempt.letter
    if letter.options and EXPIRES in letter.options:
        _refuse_expired(json.loads(letter.options))
    codec = conf.current().codec()
    if letter.kind == _GATHER:
        attempt.args, attempt.function = (envelope.id, letter), gathering.gather
        return
    function, args = codec.decode_call(letter.args, purpose="args", task_id=envelope.id, func=envelope.func)
    if letter.kind == _HOOK:
        function, task = hooks.load(letter, args[0])
        attempt.args = (task,)
    else:
        attempt.args = args
        attempt.kwargs = codec.decode(letter.kwargs, purpose="kwargs", task_id=envelope.id, func=envelope.func)
        if letter.options and gathering.COLLECTS in letter.options:
            attempt.args = _collected(args, json.loads(letter.options))
    function = _undecorated(callables.resolve(envelope.func) if function is None else function)
    attempt.is_async = callables.is_async(function)
    attempt.function = function


def _refuse_expired(options: dict[str, Any]) -> None:
    expires = options.get(EXPIRES)
    if expires is not None and clock.epoch() > expires:
        moment = clock.from_epoch(expires).isoformat(" ", "seconds")
        raise TaskExpired(f"The task did not begin before {moment}, when its option 'expires' let it lapse.")


def _collected(args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, ...]:
    """Return the arguments of a call, with the results that it is to be given in the first place."""
    collects = options.get(gathering.COLLECTS)
    return args if collects is None else (gathering.collected(collects), *args[1:])


def _undecorated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what decorators such as @background put proxies in front of."""
    if callables.is_plain(function):
        return function
    while (behind := next((name for name in _BEHIND if _has(function, name)), None)) is not None:
        function = getattr(function, behind)
    return function


def _has(thing: object, name: str) -> bool:
    # Not plain hasattr: a mock has every attribute.
    return name in getattr(thing, "__dict__", ()) or hasattr(type(thing), name)


# Where a proxy keeps its function: first the one for workers, if that differs from what others call.
_BEHIND = ("worker_function", "task_function")


def _lacks_code(error: BaseException) -> bool:
    """Does a payload name a class or function that this worker's code lacks, as it does in the middle of a deploy?"""
    cause = error.__cause__ if isinstance(error, PayloadError) else None
    missing = isinstance(cause, AttributeError) and str(cause).startswith("Can't get attribute")
    return missing or isinstance(cause, ModuleNotFoundError)


# --- perform -------------------------------------------------------------------------------------------------------


def _call(attempt: Attempt) -> None:
    context.enter(attempt.task)
    if signals.pre_execute.receivers:
        task = told.of_running(attempt.task, attempt.args, attempt.kwargs)
        signals.send(signals.pre_execute, func=attempt.function, task=task)
    try:
        value = attempt.function(*attempt.args, **attempt.kwargs)  # type: ignore[misc]
    except ItemsFailed as error:
        attempt.result = _store(attempt, error.results)
        raise
    if inspect.iscoroutine(value):  # a plain function around a coroutine function
        value = _run_loop(value)
    attempt.result = _store(attempt, value)


async def _acall(attempt: Attempt) -> None:
    context.enter(attempt.task)
    if signals.pre_execute.receivers:
        task = told.of_running(attempt.task, attempt.args, attempt.kwargs)
        await signals.asend(signals.pre_execute, func=attempt.function, task=task)
    attempt.result = _store(attempt, await attempt.function(*attempt.args, **attempt.kwargs))  # type: ignore[misc]


def _run_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end from code that is not one, even if a loop runs in this thread."""
    if not in_event_loop():
        return asyncio.run(coroutine)
    own = contextvars.copy_context()
    with ThreadPoolExecutor(1, thread_name_prefix="task-loop") as threads:
        return threads.submit(own.run, asyncio.run, coroutine).result()


# --- the result ----------------------------------------------------------------------------------------------------


def _store(attempt: Attempt, value: object) -> bytes:
    """Return a result as signed bytes; empty for None."""
    if value is None:
        return b""
    try:
        sealed = _seal(attempt, value, serializer_of(attempt.letter.args))
    except UnpicklableError as error:
        raise UnpicklableError(f"{_NOT_STORED}: {error}") from error.__cause__
    limit = conf.current().max_result
    if len(sealed) > limit:
        raise PayloadError(
            f"{_NOT_STORED}: it has {len(sealed)} bytes and Q_CLUSTER['max_result'] is {limit}. Store it as a file or "
            "a row, and return its name."
        )
    return sealed


def _seal(attempt: Attempt, value: object, serializer: str | None = None) -> bytes:
    envelope = attempt.envelope
    codec = conf.current().codec()
    return codec.encode(value, purpose="result", task_id=envelope.id, func=envelope.func, serializer=serializer)


def _ending_of(attempt: Attempt) -> Ending:
    if attempt.is_unknown:
        return Ending.UNKNOWN
    for kind, ending in _ENDINGS.items():
        if isinstance(attempt.error, kind):
            return ending
    return Ending.FAILED


_ENDINGS: dict[type[BaseException], Ending] = {
    DoNotRetry: Ending.GAVE_UP,
    TryAgain: Ending.AGAIN,
    TaskExpired: Ending.CANCELED,
    TaskTimeout: Ending.TIMED_OUT,
    TaskCanceled: Ending.CANCELED,
    TaskStopped: Ending.INTERRUPTED,
}
