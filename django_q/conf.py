"""The settings: each declared once, read lazily from ``Q_CLUSTER``, frozen."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.db import DEFAULT_DB_ALIAS

from django_q.exceptions import InvalidSettings, InvalidValue
from django_q.kernel import overrides, values
from django_q.kernel.codec import SERIALIZERS, Codec, derive_key
from django_q.kernel.old_names import OldConf
from django_q.kernel.options import Option, Problem, option, usable_cpus, usual_start_method
from django_q.kernel.queues import EVERY
from django_q.kernel.recurrence import Policy, policy, zone_of
from django_q.kernel.retry import Backoff

DAY = 24 * 3600.0
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
START_METHODS = ("fork", "forkserver", "spawn")
QUEUE_LENGTH = 100

# Keys of Django Q and Django Q2 that change nothing here -> what to know or to use in their place.
REPLACED = {
    "bulk": "nothing to set: a claim takes what the free workers can run",
    "cluster_name": "'name', and 'queues' for what this cluster works on",
    "daemonize_workers": "nothing to set: tasks may start processes of their own",
    "disque_auth": "the database as broker, or 'broker_class'",
    "disque_fastack": "the database as broker, or 'broker_class'",
    "disque_nodes": "the database as broker, or 'broker_class'",
    "django_redis": "the database as broker, or 'broker_class'",
    "guard_cycle": "nothing to set: the sentinel wakes up when something happens",
    "has_replica": "nothing to set: the queue is never read from a replica",
    "iron_mq": "the database as broker, or 'broker_class'",
    "mongo": "the database as broker, or 'broker_class'",
    "mongo_db": "the database as broker, or 'broker_class'",
    "queue_limit": "nothing to set: a cluster claims about 10 ms of work per worker",
    "redis": "the database as broker, or 'broker_class'",
    "retry": "'lease' for clusters that died and 'backoff' for tasks that failed",
    "sqs": "the database as broker, or 'broker_class'",
    "testing": "nothing to set: sync=True runs tasks in the process of a test",
}


Plugins = dict[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What Q_CLUSTER says, completed by defaults."""

    name: str = option("default", "Name of the cluster and of the queue that tasks go to.")
    queues: tuple[str, ...] = option(
        tuple, "Queues that this cluster works on, first things first; ['*']: every one; None: its name only."
    )
    orm: str = option(DEFAULT_DB_ALIAS, "Alias of the database that holds queue, history, hooks and heartbeats.")
    workers: int = option(usable_cpus, "Worker processes; None: one for each usable CPU.", minimum=1)
    pushers: int = option(1, "Processes that claim tasks.", minimum=1, maximum=64)
    concurrency: int = option(100, "Coroutines that one worker runs at a time.", minimum=1)
    cpu_affinity: int = option(0, "CPUs that each worker is bound to; 0: not bound.", minimum=0)
    start_method: str = option(
        usual_start_method, "How processes start; None: fork on Linux, else spawn.", choices=START_METHODS
    )

    max_attempts: int = option(1, "Attempts until a task has failed; 0: no limit.", minimum=0)
    max_crashes: int = option(3, "Deaths of its worker until a task has failed.", minimum=1)
    backoff: Backoff = option(Backoff, "Pauses between attempts: seconds, a list of them or a dict.")
    ack_failures: bool = option(False, "Whether one failed attempt ends a task whatever max_attempts says.")
    hook_max_attempts: int = option(1, "Attempts until a hook has failed; 0: no limit.", minimum=0)
    timeout: float | None = option(None, "Seconds that an attempt may run; None: no limit.", minimum=0.001)
    grace: float = option(20.0, "Seconds that running tasks get when the cluster stops.", minimum=0)
    kill_after: float = option(2.0, "Seconds between asking a task to stop, TERM and KILL.")
    unknown_task_grace: float = option(
        60.0, "Seconds that a task waits for a worker that knows its function.", minimum=0
    )
    recycle: int | None = option(10_000, "Tasks after which a worker is replaced; None: never.", minimum=1)
    max_rss: int | None = option(None, "Resident kilobytes after which a worker is replaced; None: never.", minimum=1)

    save: bool = option(True, "Whether successes leave a row in the history.")
    keep_successes: float | None = option(7 * DAY, "Seconds that successes are kept; None: for ever.", minimum=0)
    keep_failures: float | None = option(30 * DAY, "Seconds that failures are kept; None: for ever.", minimum=0)
    keep_events: float | None = option(DAY, "Seconds that the events of tasks can be read; None: for ever.", minimum=0)
    max_events: int | None = option(10_000, "Events of one run that are kept, the newest; None: all.", minimum=1)
    save_limit: int | None = option(
        None, "Successes that are kept, the newest; 0: all; -1: none; None: as many as their age allows.", minimum=-1
    )
    save_limit_per: str | None = option(
        None, "What save_limit counts by; None: all together.", choices=("group", "name", "func")
    )
    cached: bool | float | None = option(
        None, "Seconds that results stay in the cache instead; True: as long as it keeps.", minimum=0
    )
    cache: str = option("default", "Alias of the cache for cached results.")
    serializer: str = option("pickle", "How arguments and results are written.", choices=SERIALIZERS)
    compress: bool = option(False, "Whether arguments and results are compressed.")
    max_result: int = option(64 * 2**20, "Bytes that a result may have.", minimum=1)

    heartbeat: float = option(2.0, "Seconds between two signs of life of a cluster.", minimum=0.05)
    lease: float = option(12.0, "Seconds without a sign of life after which a cluster is dead.", minimum=0.1)
    strict_lease: bool = option(
        False, "Whether a cluster that cannot renew its lease kills its workers before the end."
    )
    poll: float = option(1.0, "Seconds between two looks at the queue when nothing woke the cluster.", minimum=0.01)
    doorbell: str | bool | None = option(
        None, "Directory of the sockets that wake clusters; None: a private one; False: off."
    )
    broker_class: str | None = option(None, "Dotted path of another broker; None: the database.")

    scheduler: bool = option(True, "Whether this cluster fires schedules.")
    catch_up: Policy = option(
        "all", "What becomes of runs of schedules that were missed: 'all' run, 'one' for all, or 'skip'."
    )
    time_zone: str | None = option(None, "Time zone of schedules that name none; None: Django's TIME_ZONE.")

    sync: bool = option(False, "Whether tasks run at once, in the process that enqueues them.")
    log_level: str = option("INFO", "Level of the logger 'django_q' in cluster processes.", choices=LEVELS)
    error_reporter: Plugins = option(
        dict, "Error reporters that failures are told to, by the name of their entry point, with their keywords."
    )
    label: str = option("Django Q", "Heading in the admin.")

    def __post_init__(self) -> None:
        if not self.queues:
            object.__setattr__(self, "queues", (self.name,))

    @property
    def saves(self) -> bool:
        """Do successes leave a row, unless their task says else?"""
        return self.save and self.save_limit != -1

    @property
    def zone(self) -> tzinfo:
        """Return the time zone of schedules that name none."""
        return zone_of(self.time_zone or settings.TIME_ZONE or "UTC")

    def codec(self) -> Codec:
        """Return the codec that signs with SECRET_KEY and reads SECRET_KEY_FALLBACKS too."""
        return self._codec

    @cached_property
    def _codec(self) -> Codec:
        secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        return Codec(tuple(map(derive_key, secrets)), serializer=self.serializer, compress=self.compress)

    def shown(self) -> Iterator[tuple[str, str]]:
        """Yield each setting as text, without passwords."""
        for name in OPTIONS:
            yield name, _PASSWORD.sub(r"\1***@", repr(getattr(self, name)))


_PASSWORD = re.compile(r"(://[^/@:\s]*:)[^@\s]*@")


OPTIONS = {
    each.name: Option(name=each.name, type=str(each.type), **each.metadata) for each in dataclasses.fields(Settings)
}


def current() -> Settings:
    """Return the settings; read at the first call and again after a test changed them."""
    return _cache.get("conf") or _cache.setdefault("conf", _load())


def usual_name() -> str:
    """Return the name of the queue that tasks go to which name none, whatever cluster this process is of."""
    written = getattr(settings, "Q_CLUSTER", None) or {}
    return str(_without_alternatives(written).get("name") or "default")


def reset(*, setting: str = "Q_CLUSTER", **kwargs: object) -> None:
    """Forget the settings if this one is among their sources."""
    if setting in ("Q_CLUSTER", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASES", "TIME_ZONE"):
        _cache.clear()


_cache: dict[str, Settings] = {}
# What was set by attribute: Conf.SYNC = True.
_changes: dict[str, Any] = {}
setting_changed.connect(reset, dispatch_uid="django_q.conf")

#: The settings under Django Q's names, to be read: ``Conf.SYNC``, ``Conf.CLUSTER_NAME``.
Conf = OldConf(lambda: current(), lambda: raw(), _changes, _cache.clear)
#: The logger under Django Q's name.
logger = logging.getLogger("django-q")


def raw() -> Mapping[str, Any]:
    """Return Q_CLUSTER as written, under the name that Q_CLUSTER_NAME in the environment chooses, and what a command
    gives to this process in its place."""
    return {**_as_written(), **overrides.read(), **_changes}


def _as_written() -> Mapping[str, Any]:
    written = getattr(settings, "Q_CLUSTER", None) or {}
    chosen = os.environ.get("Q_CLUSTER_NAME", "")
    if not isinstance(written, Mapping) or not chosen:
        return _without_alternatives(written)
    base = {key: value for key, value in _without_alternatives(written).items() if key not in ("name", "queues")}
    return {"name": chosen, **base, **(written.get("ALT_CLUSTERS") or {}).get(chosen, {})}


def _without_alternatives(written: Any) -> Mapping[str, Any]:
    if not isinstance(written, Mapping):
        return {}
    return {key: value for key, value in written.items() if key != "ALT_CLUSTERS"}


def problems() -> list[Problem]:
    """Return all that is wrong with Q_CLUSTER."""
    written = getattr(settings, "Q_CLUSTER", None) or {}
    if not isinstance(written, Mapping):
        return [Problem("E002", f"Q_CLUSTER is {written!r}; it must be a dict.", "Write Q_CLUSTER = {'workers': 4}.")]
    alternatives = written.get("ALT_CLUSTERS") or {}
    if not isinstance(alternatives, Mapping) or not all(isinstance(each, Mapping) for each in alternatives.values()):
        hint = "Write Q_CLUSTER['ALT_CLUSTERS'] = {'long': {'timeout': 3600}}."
        return [Problem("E002", f"Q_CLUSTER['ALT_CLUSTERS'] is {alternatives!r}; it must be a dict of dicts.", hint)]
    variants = [raw(), *({**_without_alternatives(written), **each} for each in alternatives.values())]
    found = [problem for variant in variants for problem in _examine(variant)[1]]
    return list(dict.fromkeys(found))


def _load() -> Settings:
    found = problems()
    if found:
        raise InvalidSettings("\n".join(f"{problem.message} {problem.hint}" for problem in found))
    return Settings(**_examine(raw())[0])


def _examine(written: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the values as Settings takes them, and what is wrong with the others."""
    values: dict[str, Any] = {}
    found: list[Problem] = []
    for key, value in written.items():
        if key in REPLACED:
            continue
        if key not in OPTIONS:
            found.append(_unknown(key))
            continue
        try:
            values.update(_accept(OPTIONS[key], value))
        except InvalidValue as error:
            hint = f"Write a value that fits, or leave {key!r} out for the default. {OPTIONS[key].meaning}"
            found.append(Problem("E002", f"Q_CLUSTER[{key!r}] is {value!r}; {error}", hint))
    return values, found or _contradictions(Settings(**values), written)


def _unknown(key: Any) -> Problem:
    close = get_close_matches(str(key).lower(), OPTIONS, n=1)
    question = f" Did you mean {close[0]!r}?" if close else ""
    hint = f"Rename it to {close[0]!r}, or remove it." if close else "Remove it."
    return Problem("E001", f"Q_CLUSTER has no option {key!r}.{question}", hint)


def _contradictions(conf: Settings, written: Mapping[str, Any]) -> list[Problem]:
    found = []
    if conf.heartbeat * 2 >= conf.lease:
        message = (
            f"Q_CLUSTER['lease'] is {conf.lease!r}, 'heartbeat' {conf.heartbeat!r}: one late beat would be a death."
        )
        found.append(Problem("E003", message, "Make 'lease' more than twice 'heartbeat'; 12 and 2 are usual."))
    if conf.kill_after <= 0:
        message = f"Q_CLUSTER['kill_after'] is {conf.kill_after!r}: a task could not react before it is killed."
        found.append(Problem("E003", message, "Set it to a number of seconds above 0."))
    found += [Problem("E003", message, hint) for message, hint in _wrong_queues(conf, written)]
    try:
        conf.zone  # noqa: B018  asking is what tells
    except InvalidValue as error:
        found.append(Problem("E003", f"Q_CLUSTER['time_zone']: {error}", "Leave it out for Django's TIME_ZONE."))
    if conf.orm != DEFAULT_DB_ALIAS and conf.orm not in settings.DATABASES:
        message = f"Q_CLUSTER['orm'] is {conf.orm!r}, which is not in DATABASES."
        hint = f"Use one of {', '.join(map(repr, settings.DATABASES))}, or add {conf.orm!r} to DATABASES."
        found.append(Problem("E003", message, hint))
    return found


def _wrong_queues(conf: Settings, written: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the names of queues, each with its remedy."""
    if written.get("queues") is not None and not written["queues"]:
        message = f"Q_CLUSTER['queues'] is {written['queues']!r}: this cluster would work on nothing."
        yield message, "Name at least one queue, or leave it out for the cluster's own."
    too_long = [queue for queue in (conf.name, *conf.queues) if len(queue) > QUEUE_LENGTH]
    if too_long:
        message = f"Q_CLUSTER names a queue of {len(too_long[0])} characters: {too_long[0]!r}."
        yield message, f"Use at most {QUEUE_LENGTH} characters."
    twice = sorted({queue for queue in conf.queues if conf.queues.count(queue) > 1})
    if twice:
        yield f"Q_CLUSTER['queues'] names {twice[0]!r} more than once.", _ONCE
    if conf.name == EVERY:
        message = f"Q_CLUSTER['name'] is {EVERY!r}, which means every queue and is the name of none."
        yield message, f"Choose another name, and write 'queues': [{EVERY!r}] for a cluster that serves every queue."
    elif EVERY in conf.queues and len(conf.queues) > 1:
        message = (
            f"Q_CLUSTER['queues'] is {list(conf.queues)!r}: {EVERY!r} means every queue, and others stand beside it."
        )
        yield message, f"Write [{EVERY!r}] for every queue, or only the names, in the order of their importance."


_ONCE = "Name each queue once, in the order of their importance."


def _accept(declared: Option, value: Any) -> dict[str, Any]:
    """Return name and value of a setting as Settings takes it; nothing where None asks for the default."""
    kind = declared.type.removesuffix(" | None")
    if value is None and kind != declared.type:
        return {declared.name: None}
    if value is None and (callable(declared.default)):
        return {}
    accepted = _READERS[kind](value)
    _bound(declared, accepted)
    return {declared.name: accepted}


def _bound(declared: Option, value: Any) -> None:
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if number is not None and declared.minimum is not None and number < declared.minimum:
        raise InvalidValue(f"it must be {declared.bounds}.")
    if number is not None and declared.maximum is not None and number > declared.maximum:
        raise InvalidValue(f"it must be {declared.bounds}.")
    if declared.choices and value not in declared.choices:
        raise InvalidValue(f"it must be {declared.bounds}.")


_READERS: dict[str, Callable[[Any], Any]] = {
    "str": values.text,
    "int": values.whole,
    "float": values.span,
    "bool": values.truth,
    "tuple[str, ...]": values.names,
    "bool | float": values.truth_or_span,
    "str | bool": values.directory,
    "Backoff": Backoff.parse,
    "Policy": policy,
    "Plugins": values.plugins,
}
