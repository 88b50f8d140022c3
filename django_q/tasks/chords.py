"""Chords: one function called with many arguments at once, and a final call that is given all results."""

from collections.abc import Iterable
from typing import Any

from asgiref.sync import sync_to_async

from django_q import conf
from django_q.conf import Settings
from django_q.engine.gathering import COLLECTS
from django_q.engine.succession import CONTINUE, ON_FAILURE
from django_q.exceptions import InvalidValue
from django_q.kernel import ids
from django_q.kernel.states import TaskState
from django_q.tasks import options
from django_q.tasks.chains import STOP, Link, checked_on_failure, end_rest, parts
from django_q.tasks.enqueue import CHORD, Draft, prepare, run_here, runs_here, submit, write_companions
from django_q.tasks.iterations import OF_THE_WHOLE, calls_of, items_of, whole_of
from django_q.tasks.lookup import Function
from django_q.tasks.options import Given

# Where the results are put among the arguments of the final call, when they are there.
_RESULTS = None


def async_chord(
    func: Function, args_iter: Iterable[Any], final: Link, /, *, on_failure: str = STOP, **kwargs: Any
) -> str:
    """Enqueue a call for each of the arguments and one that follows them, and return the id of that final task.

    ``final`` is a function, or a tuple ``(function, args, kwargs)`` of which the rest may be left out. It is called
    with the list of what the calls returned, in the order of ``args_iter``, and its own arguments after that. The other
    keywords are those of :func:`~django_q.tasks.async_iter`; options count for the final call, too, unless it says
    else, and ``task_name``, ``group``, ``hook``, ``save`` and ``cached`` for it alone.

    When a call has failed for good and the others have ended, the final task ends as canceled and says so; with
    ``on_failure="continue"`` it runs, and the error of each call that failed stands in its place. To cancel it while it
    waits cancels the calls as well.

    With ``sync=True`` all of them run here, and what the first that failed raised is raised. Raises what
    :func:`~django_q.tasks.async_task` raises and :exc:`~django_q.exceptions.InvalidValue` for what is no call, before
    anything is written.
    """
    settings, chord = conf.current(), ids.new_id()
    goes_on = checked_on_failure(on_failure) == CONTINUE
    given, kwargs = options.split(func, kwargs)
    items, whole = _group(func, calls_of(args_iter), kwargs, given, chord, settings, goes_on=goes_on)
    last = _final(final, given, whole, settings)
    if runs_here(whole, settings):
        _run_here(items, whole, last, settings, goes_on=goes_on)
    else:
        submit([whole, *items, last], settings)
    return last.id


async def aasync_chord(func: Function, args_iter: Iterable[Any], final: Link, /, **kwargs: Any) -> str:
    """Enqueue a chord like :func:`async_chord`, from a coroutine."""
    return await sync_to_async(async_chord)(func, args_iter, final, **kwargs)


# --- the rows ------------------------------------------------------------------------------------------------------


def _group(
    func: Function,
    calls: list[tuple[Any, ...]],
    kwargs: dict[str, Any],
    given: Given,
    chord: str,
    settings: Settings,
    *,
    goes_on: bool,
) -> tuple[list[Draft], Draft]:
    """Return the rows of the calls, and the one that gathers their results: the first step of the chord."""
    mine = {name: value for name, value in given.items() if name not in OF_THE_WHOLE}
    whole_id = ids.new_id()
    items = items_of(func, calls, kwargs, mine, whole_id, settings)
    for item in items:
        item.within = ((CHORD, chord), *item.within)
    # The final call reads it.
    marks: dict[str, Any] = {ON_FAILURE: CONTINUE} if goes_on else {}
    whole = whole_of(func, calls, kwargs, {**mine, "save": True, "cached": False}, whole_id, settings, **marks)
    whole.place(chain=chord)
    return items, whole


def _final(link: Link, given: Given, whole: Draft, settings: Settings) -> Draft:
    """Return the row of the call that follows."""
    func, args, kwargs = parts(link, "final call of a chord")
    own, kwargs = options.split(func, kwargs)
    if own.get("run_after") is not None:
        raise InvalidValue(f"{link!r} has run_after=, but the final call begins when all before it have ended.")
    chosen = {name: value for name, value in given.items() if name != "run_after"} | own
    chord, marks = whole.column("chain"), dict[str, Any]({COLLECTS: whole.id})
    last = prepare(func, (_RESULTS, *args), kwargs, chosen, settings, **marks)
    last.place(chain=chord, state=TaskState.WAITING.value, waits_for=whole.id)
    last.within = ((CHORD, chord),)
    return last


def _run_here(items: list[Draft], whole: Draft, last: Draft, settings: Settings, *, goes_on: bool) -> None:
    """Run all in this process; raise what the first that failed raised, when the others have ended."""
    write_companions([whole, *items, last], settings.orm)
    errors = []
    for row in (*items, whole):
        row.place(state=TaskState.READY.value)
        errors.append(run_here(row))
    if errors[-1] is None or goes_on:
        last.place(state=TaskState.READY.value, waits_for=None)
        errors.append(run_here(last))
    else:
        end_rest([last], whole, settings)
    first = next((error for error in errors if error is not None), None)
    if first is not None:
        raise first
