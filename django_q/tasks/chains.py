"""Chains: calls of which each begins when the one before it has succeeded."""

from collections.abc import Iterable, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.db import transaction

from django_q import conf
from django_q.brokers import Broker, current_broker
from django_q.conf import Settings
from django_q.engine import succession
from django_q.engine.succession import CONTINUE, ON_FAILURE, Step
from django_q.exceptions import InvalidValue
from django_q.kernel import ids
from django_q.kernel.states import TaskState
from django_q.tasks import groups, options
from django_q.tasks.enqueue import CHAIN, Draft, prepare, run_here, runs_here, submit, write_companions
from django_q.tasks.lookup import Function
from django_q.tasks.options import Given

#: A step: a function, or a tuple of it, its arguments and its keywords.
Link = Function | Sequence[Any]

#: What a failure does, unless the caller says "continue".
STOP = "stop"


def async_chain(
    chain: Iterable[Link],
    group: str | None = None,
    cached: bool | float | None = None,
    sync: bool | None = None,
    broker: Broker | None = None,
    *,
    on_failure: str = STOP,
    **q_options: Any,
) -> str:
    """Enqueue calls that run one after the other, and return the name of the group that they form.

    A step is a function, or a tuple ``(function, args, kwargs)`` of which the rest may be left out; its keywords may
    hold options, as those of :func:`~django_q.tasks.async_task`. ``q_options`` are options of every step that does not
    say else. All steps are rows of the queue from the beginning and are written in the caller's transaction; those
    that follow wait. When a step has failed for good, the later ones end as canceled and say which one failed;
    with ``on_failure="continue"`` they run.

    With ``sync=True`` they run here, and what the first failing step raised is raised. Raises what
    :func:`~django_q.tasks.async_task` raises and :exc:`~django_q.exceptions.InvalidValue` for what is no step.
    """
    settings = conf.current()
    named = {"cached": cached, "sync": sync, "broker": broker}
    goes_on = checked_on_failure(on_failure) == CONTINUE
    common = {**q_options, **{name: value for name, value in named.items() if value is not None}}
    steps = _draft(list(chain), group, common, goes_on=goes_on, settings=settings)
    if runs_here(steps[0], settings):
        _run_here(steps, settings, goes_on=goes_on)
    else:
        submit(steps, settings)
    return str(steps[0].column("group"))


async def aasync_chain(chain: Iterable[Link], *args: Any, **kwargs: Any) -> str:
    """Enqueue a chain like :func:`async_chain`, from a coroutine."""
    return await sync_to_async(async_chain)(chain, *args, **kwargs)


class Chain:
    """A chain to which steps are added before it is enqueued."""

    def __init__(
        self,
        chain: Iterable[Link] | None = None,
        group: str | None = None,
        cached: bool | float | None = None,
        sync: bool | None = None,
        broker: Broker | None = None,
        *,
        on_failure: str = STOP,
    ) -> None:
        self.chain: list[Link] = list(chain or ())
        self.group = group or ids.new_id()
        self.cached = cached
        self.sync = sync
        self.broker = broker
        self.on_failure = checked_on_failure(on_failure)
        self.started = False

    def append(self, func: Function, *args: Any, **kwargs: Any) -> int:
        """Add a step and return how many there are. What the chain did before is deleted when it has run already."""
        self.chain.append((func, args, kwargs))
        if self.started:
            groups.delete_group(self.group, tasks=True, cached=bool(self.cached))
            self.started = False
        return self.length()

    def run(self) -> str:
        """Enqueue the steps and return the name of their group."""
        self.started = True
        return async_chain(self.chain, self.group, self.cached, self.sync, self.broker, on_failure=self.on_failure)

    def result(self, wait: float = 0) -> list[Any] | None:
        """Return the results of the steps in their order; before the last has ended, None or those after ``wait``.

        ``wait`` is in milliseconds: 0 looks once, -1 waits for all.
        """
        if not self.started:
            return None
        return groups.result_group(self.group, wait=wait, count=self._awaited(wait), cached=bool(self.cached))

    def fetch(self, failures: bool = True, wait: float = 0) -> groups.Members | None:
        """Return the tasks of the steps in their order; ``wait`` is that of :meth:`result`."""
        if not self.started:
            return None
        return groups.fetch_group(
            self.group, failures=failures, wait=wait, count=self._awaited(wait), cached=bool(self.cached)
        )

    def current(self) -> int | None:
        """Return how many steps have ended, None before the chain is enqueued."""
        return groups.count_group(self.group, cached=bool(self.cached)) if self.started else None

    def length(self) -> int:
        """Return how many steps there are."""
        return len(self.chain)

    def _awaited(self, wait: float) -> int | None:
        return self.length() if wait else None


# --- the rows ------------------------------------------------------------------------------------------------------


def _draft(links: list[Link], group: str | None, common: Given, *, goes_on: bool, settings: Settings) -> list[Draft]:
    if not links:
        raise InvalidValue("A chain without steps cannot be enqueued. Pass at least one function.")
    chain = ids.new_id()
    steps: list[Draft] = []
    for link in links:
        func, args, kwargs = parts(link)
        given, kwargs = options.split(func, kwargs)
        if steps and given.get("run_after") is not None:
            raise InvalidValue(f"{link!r} has run_after=, but a step begins when the one before it has ended.")
        marks: dict[str, Any] = {ON_FAILURE: CONTINUE} if goes_on else {}
        step = prepare(func, args, kwargs, {**common, **given, "group": group or chain}, settings, **marks)
        step.place(chain=chain)
        step.within = ((CHAIN, chain),)
        if steps:
            step.place(state=TaskState.WAITING.value, waits_for=steps[-1].id)
        steps.append(step)
    return steps


def parts(link: Link, what: str = "step of a chain") -> tuple[Function, tuple[Any, ...], dict[str, Any]]:
    """Return the function, the arguments and the keywords of a call that is written so.

    Raises :exc:`~django_q.exceptions.InvalidValue` for what is none.
    """
    if isinstance(link, str) or callable(link):
        return link, (), {}
    if not isinstance(link, Sequence) or not 1 <= len(link) <= 3:
        raise InvalidValue(
            f"{link!r} is no {what}. Write a function, or (function, args), or (function, args, kwargs)."
        )
    whole: tuple[Any, ...] = (*link, *((), {})[len(link) - 1 :])
    func, args, kwargs = whole
    if isinstance(args, str) or not isinstance(args, Iterable) or not isinstance(kwargs, dict):
        raise InvalidValue(
            f"{link!r} is no {what}: its arguments are a tuple, its keywords a dict. Write (function, (1, 2))."
        )
    return func, tuple(args), kwargs


def checked_on_failure(on_failure: str) -> str:
    """Return what a failure does. Raises :exc:`~django_q.exceptions.InvalidValue` for what is neither."""
    if on_failure not in (STOP, CONTINUE):
        raise InvalidValue(f"on_failure={on_failure!r} cannot be used; it is {STOP!r} or {CONTINUE!r}.")
    return on_failure


def _run_here(steps: list[Draft], settings: Settings, *, goes_on: bool) -> None:
    """Run the steps in this process; raise what the first that failed raised, when the others have ended."""
    first: BaseException | None = None
    write_companions(steps, settings.orm)
    for number, step in enumerate(steps, 1):
        step.place(state=TaskState.READY.value, waits_for=None)
        error = run_here(step)
        first = first or error
        if error is not None and not goes_on:
            end_rest(steps[number:], step, settings)
            break
    if first is not None:
        raise first


def end_rest(steps: list[Draft], failed: Draft, settings: Settings) -> None:
    """Record the steps that are not run because this one failed."""
    if steps:
        gone = Step(failed.id, failed.column("name"), failed.column("chain"), opens=False)
        with transaction.atomic(using=settings.orm):
            current_broker().enqueue([step.row for step in steps])
            succession.follow(settings.orm, [gone], cluster=None)
