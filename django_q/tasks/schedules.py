"""Enqueue calls again and again, at the moments that a schedule names."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings as project
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from django_q import conf
from django_q.brokers import current_broker
from django_q.brokers.base import DUE
from django_q.exceptions import ClusterError, InvalidValue
from django_q.kernel import callables, clock, literals
from django_q.kernel.recurrence import policy
from django_q.models import Schedule
from django_q.models.schedule import in_settings_form, problem
from django_q.tasks import lookup, options
from django_q.tasks.enqueue import tell_keepers
from django_q.tasks.lookup import Function
from django_q.tasks.options import Given

# What a schedule knows by columns of its own, or decides by itself.
_NOT_HERE = {
    "broker": "the broker of Q_CLUSTER carries it",
    "sync": "a cluster runs it",
    "run_after": "next_run says when it begins",
    "hook": "it is a keyword of schedule()",
    "cluster": "it is a keyword of schedule()",
}


def schedule(
    func: Function,
    /,
    *args: Any,
    name: str | None = None,
    hook: Function | None = None,
    schedule_type: str = Schedule.ONCE,
    minutes: int | None = None,
    repeats: int = -1,
    next_run: datetime | None = None,
    cron: str | None = None,
    cluster: str | None = None,
    intended_date_kwarg: str | None = None,
    time_zone: str = "",
    catch_up: str | bool = "",
    replace: bool = False,
    **kwargs: Any,
) -> Schedule:
    """Store a schedule and return it; the clusters enqueue the call whenever it is due, once.

    ``func`` is a dotted path or a function that has one; ``schedule_type`` a constant of
    :class:`~django_q.models.Schedule`, with ``minutes`` or ``cron`` for these two; ``next_run`` the first due moment;
    ``repeats`` how many runs are left, -1 for ever; ``catch_up`` what becomes of missed runs: ``"skip"``, ``"one"`` or
    ``"all"``. ``replace`` changes the schedule of the same name. All other keywords are those of
    :func:`~django_q.tasks.async_task`. Raises :exc:`django.core.exceptions.ValidationError` for what cannot be
    scheduled and :exc:`django.db.IntegrityError` if the name is taken.
    """
    fields = {
        "name": name,
        "schedule_type": schedule_type,
        "minutes": minutes,
        "repeats": repeats,
        "next_run": _moment(next_run),
        "cron": cron,
        "intended_date_kwarg": intended_date_kwarg,
        "time_zone": time_zone,
        "catch_up": _policy(catch_up),
    }
    call = _call(func, args, kwargs, hook, cluster)
    return _stored(fields | call, replace=replace)


async def aschedule(func: Function, /, *args: Any, **kwargs: Any) -> Schedule:
    """Store a schedule like :func:`schedule`, from a coroutine."""
    return await sync_to_async(schedule)(func, *args, **kwargs)


def check(row: Schedule) -> None:
    """See that a schedule can be run. Raises ValidationError that names each field, but not for a name that is taken:
    the database says that."""
    row.full_clean(validate_unique=False)
    if wrong := problems(row.func, row.hook, row.options):
        raise ValidationError(wrong)


def problems(func: str | None, hook: str | None, given: str | None) -> dict[str, str]:
    """Return what is wrong with these fields of a schedule beyond what the model itself can know."""
    wrong: dict[str, str] = {}
    for field, test, value in (
        ("func", lookup.refuse_under_debug, func),
        ("hook", lookup.refuse_under_debug, hook),
        ("options", _parsed, given),
    ):
        if value:
            wrong |= problem(field, test, value)
    return wrong


def given_options(row: Schedule) -> Given:
    """Return the options of the tasks of a schedule. Raises InvalidValue or InvalidOption for what is none."""
    given = literals.read_kwargs(row.options)
    for name in given:
        if name in _NOT_HERE:
            raise InvalidValue(f"{name!r} cannot be an option of a schedule: {_NOT_HERE[name]}.")
    return options.named(given)


def tell_clusters() -> None:
    """Tell the clusters on this host, when it is committed, that a schedule was changed."""
    tell_keepers(current_broker(), DUE, conf.current().orm)


def _call(
    func: Function, args: tuple[Any, ...], kwargs: dict[str, Any], hook: Function | None, cluster: str | None
) -> dict[str, Any]:
    """Return the fields that say what is enqueued; those that are options, too, may be in q_options."""
    given, kwargs = options.split(func, kwargs)
    hook, cluster = given.pop("hook", hook), given.pop("cluster", cluster)
    return {
        "func": _path(func, "func"),
        "hook": None if hook is None else _path(hook, "hook"),
        "args": _checked("args", literals.write_args, args),
        "kwargs": _checked("kwargs", literals.write_kwargs, kwargs),
        "options": _checked("options", _written, given),
        "cluster": cluster,
    }


def _stored(fields: dict[str, Any], *, replace: bool) -> Schedule:
    """Store a new schedule, or change the one that has the name."""
    alias, name = conf.current().orm, fields["name"]
    with transaction.atomic(using=alias):
        found = Schedule.objects.using(alias).filter(name=name).first() if replace and name else None
        row = Schedule(**fields) if found is None else _changed(found, fields)
        check(row)
        row.save(using=alias)
    return row


def _changed(row: Schedule, fields: dict[str, Any]) -> Schedule:
    for field, value in fields.items():
        setattr(row, field, value)
    row.paused_at, row.error = None, ""
    return row


def _policy(catch_up: str | bool) -> str:
    return "" if catch_up == "" else _checked("catch_up", policy, catch_up)


def _path(func: Function, field: str) -> str:
    if isinstance(func, str):
        return func
    path = _checked(field, callables.path_of, func) if callable(func) else None
    if path is None:
        raise ValidationError({field: f"{func!r} has no dotted path, which is what a schedule stores."})
    return str(path)


def _moment(next_run: datetime | None) -> Any:
    """Return the first due moment as Django stores it; one that names no time zone is in the current one."""
    if next_run is None:
        return in_settings_form(clock.now())
    if isinstance(next_run, datetime) and timezone.is_naive(next_run) and project.USE_TZ:
        return timezone.make_aware(next_run)
    return next_run


def _written(given: Given) -> str:
    options.parse(given)
    return literals.write_kwargs({name: value for name, value in given.items() if value is not None})


def _parsed(text: str) -> None:
    row = Schedule(options=text)
    options.parse(given_options(row))


def _checked(field: str, convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except ClusterError as error:
        raise ValidationError({field: str(error)}) from error
