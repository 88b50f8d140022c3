"""A package of Django Q's queue as rows of ours: the call, and the steps that follow it."""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django_q.conf import Settings
from django_q.engine.succession import CONTINUE, ON_FAILURE
from django_q.exceptions import InvalidValue
from django_q.kernel import ids
from django_q.kernel.states import TaskState
from django_q.management.moving.packages import OPTIONS, Package, split
from django_q.management.moving.plan import in_settings_form
from django_q.tasks import options
from django_q.tasks.enqueue import Draft, draft
from django_q.tasks.lookup import Function

_LONGEST_NAME = 100
# Ids of Django Q sort at random, ours by time: without it the old calls would stand behind all new ones.
_BEFORE_NEW_ONES = 1

STEPS_ARE_QUEUED = "its chain went on at its first attempt: the steps that follow stand in the queue by themselves"


@dataclass(slots=True)
class Call:
    """The rows that a package becomes, and what is different about them."""

    drafts: list[Draft]
    notes: list[str] = field(default_factory=list)


def call_of(package: Package, queue: str, due: datetime | None, settings: Settings, *, attempts: int) -> Call:
    """Return the rows of a package. ``due`` is when it may begin, None for at once; ``attempts`` those it has had.

    Raises :exc:`~django_q.exceptions.ClusterError` for what cannot be enqueued.
    """
    given, notes = _accepted(package.options)
    given["task_name"] = package.name[:_LONGEST_NAME]
    if package.iteration:
        given |= {"save": True, "cached": False}
    if package.chain and attempts:
        notes.append(STEPS_ARE_QUEUED)
    links = () if attempts else package.chain
    marks = {ON_FAILURE: CONTINUE} if links else {}
    first = _drafted(
        package.id, package.func, (package.args, package.kwargs), {**given, "cluster": queue}, settings, marks
    )
    first.place(enqueued_at=in_settings_form(package.started), priority=_BEFORE_NEW_ONES)
    if due is not None:
        first.place(run_after=due, state=TaskState.DEFERRED.value)
    call = Call([first], notes)
    _add_steps(call, links, given, settings)
    return call


def with_new_id(package: Package) -> Package:
    """Return the same call as another task."""
    return replace(package, id=ids.new_id())


def _add_steps(call: Call, links: Sequence[Any], given: Mapping[str, Any], settings: Settings) -> None:
    """Append the steps of a chain, each waiting for the one before; as in Django Q a failure does not end them."""
    if not links:
        return
    chain, first = ids.new_id(), call.drafts[0]
    first.place(chain=chain)
    common = {name: given[name] for name in ("group", "cached") if name in given}
    for link in links:
        func, args, kwargs = _parts(link)
        mine, kwargs = split(kwargs)
        accepted, notes = _accepted({name: value for name, value in mine.items() if name in OPTIONS})
        queue = mine.get("cluster") or first.column("queue")
        step = _drafted(
            ids.new_id(),
            func,
            (args, kwargs),
            {**accepted, **common, "cluster": queue},
            settings,
            {ON_FAILURE: CONTINUE},
        )
        step.place(
            chain=chain, state=TaskState.WAITING.value, waits_for=call.drafts[-1].id,
            enqueued_at=first.column("enqueued_at"), priority=_BEFORE_NEW_ONES,
        )  # fmt: skip
        call.drafts.append(step)
        call.notes += notes


def _parts(link: Any) -> tuple[Function, tuple[Any, ...], dict[str, Any]]:
    """Return a step's function, arguments and keywords as Django Q reads them."""
    whole = link if isinstance(link, tuple) else (link,)
    args = whole[1] if len(whole) > 1 else ()
    return whole[0], tuple(args), dict(whole[2]) if len(whole) > 2 else {}


def _drafted(
    id: str,
    func: Function,
    arguments: tuple[tuple[Any, ...], dict[str, Any]],
    given: dict[str, Any],
    settings: Settings,
    marks: dict[str, Any],
) -> Draft:
    # Not checked against the signature: what does not fit failed there, too, and fails here on record.
    return draft(id, _importable(func), *arguments, options.parse(given), settings, marks, is_call=False)


def _importable(func: Function) -> Function:
    """Return a function's path as a worker can import it: Django Q looks among the built-in functions, too."""
    if isinstance(func, str) and "." not in func and hasattr(builtins, func):
        return f"builtins.{func}"
    return func


def _accepted(found: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the options that hold here, and what is to be said of the others."""
    given: dict[str, Any] = {}
    notes = []
    for name, value in found.items():
        if value is None or (name == "timeout" and value in (0, -1)):
            continue
        if name == "cached" and not value:
            value = False
        try:
            given[name] = options.checked(name, value)
        except InvalidValue as error:
            notes.append(f"moved without an option that cannot be used here: {error}")
    return given, notes
