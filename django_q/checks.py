"""The system checks: what in a project would keep the cluster from working, and its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, router

from django_q import conf
from django_q.engine import reporters
from django_q.kernel import distributions
from django_q.kernel.distributions import PACKAGE

STORED = ("OrmQ", "Task", "Incarnation", "Schedule")

# Where a SQLite file says how it is written, and what stands there if it keeps a write-ahead log.
_SQLITE_VERSION_OFFSET = 18
_SQLITE_WAL = 2

Apps = Sequence[AppConfig] | None
Messages = list[checks.CheckMessage]


def register() -> None:
    """Register all checks with Django."""
    for check in (
        check_settings,
        check_replaced,
        check_reporters,
        check_routers,
        check_distributions,
        check_secret_key,
    ):
        checks.register(check, PACKAGE)
    checks.register(check_deployment, PACKAGE, deploy=True)


def check_settings(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report what is wrong with Q_CLUSTER: unknown keys, wrong values, contradictions."""
    return [_error(problem.code, problem.message, problem.hint) for problem in conf.problems()]


def check_replaced(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report keys of Django Q and Django Q2 that have no effect."""
    return [
        checks.Warning(
            f"Q_CLUSTER[{key!r}] has no effect. What replaces it: {conf.REPLACED[key]}.",
            hint=f"Remove {key!r}.",
            id=f"{PACKAGE}.W001",
        )
        for key in _written()
        if key in conf.REPLACED
    ]


def check_reporters(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report error reporters that no installed package offers."""
    if conf.problems():
        return []
    return [
        checks.Warning(
            f"Q_CLUSTER['error_reporter'] names {name!r}, but no installed package offers such a reporter.",
            hint=f"Install the package, or remove {name!r}.",
            id=f"{PACKAGE}.W002",
        )
        for name in reporters.missing()
    ]


def check_routers(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report database routers that separate our tables from each other or from Q_CLUSTER['orm']."""
    alias = _alias()
    models = [model for model in apps.get_app_config(PACKAGE).get_models() if model.__name__ in STORED]
    return [
        _error(
            "E004",
            f"{complaint}, but Q_CLUSTER['orm'] is {alias!r} and wins.",
            f"Let the router answer {alias!r} for the app {PACKAGE!r}, or set Q_CLUSTER['orm'] to its database.",
        )
        for complaint in _router_complaints(models, alias)
    ]


def check_distributions(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report a second installed distribution that brings a package of our name."""
    if not distributions.strangers():
        return []
    names = " and ".join(map(repr, distributions.owners()))
    message = f"The package {PACKAGE!r} belongs to {names}; their files are mixed."
    return [_error("E005", message, distributions.remedy())]


def check_secret_key(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report a missing SECRET_KEY: without it no payload can be signed."""
    try:
        if settings.SECRET_KEY:
            return []
    except ImproperlyConfigured:
        pass
    return [_error("E006", "SECRET_KEY is empty; arguments and results cannot be signed.", "Set SECRET_KEY.")]


def check_deployment(app_configs: Apps = None, **kwargs: Any) -> Messages:
    """Report what works on a desk and hurts on a server."""
    found: Messages = list(_sqlite_warnings(_alias()))
    if settings.DEBUG:
        message = "DEBUG is on: Django keeps every query, so cluster processes grow."
        found.append(checks.Warning(message, hint="Set DEBUG = False.", id=f"{PACKAGE}.W012"))
    return found


def _error(code: str, message: str, hint: str) -> checks.Error:
    return checks.Error(message, hint=hint, id=f"{PACKAGE}.{code}")


def _written() -> Iterable[str]:
    """Return all keys in use, those of the alternatives too."""
    written = getattr(settings, "Q_CLUSTER", None) or {}
    if not isinstance(written, dict):
        return []
    alternatives = written.get("ALT_CLUSTERS") or {}
    variants = alternatives.values() if isinstance(alternatives, dict) else []
    keys = [*written, *(key for variant in variants if isinstance(variant, dict) for key in variant)]
    return dict.fromkeys(key for key in keys if isinstance(key, str))


def _alias() -> str:
    """Return the alias of our database, whether the other settings are in order or not."""
    written = getattr(settings, "Q_CLUSTER", None)
    alias = written.get("orm") if isinstance(written, dict) else None
    return alias if isinstance(alias, str) and alias in settings.DATABASES else DEFAULT_DB_ALIAS


def _router_complaints(models: Iterable[Any], alias: str) -> Iterator[str]:
    """Yield what routers say against our alias. A router without an opinion answers None."""
    for model in models:
        label = model._meta.label
        written_to = _first_answer("db_for_write", model)
        if written_to not in (None, alias):
            yield f"A database router writes {label} to {written_to!r}"
        hints = {"model_name": model._meta.model_name, "model": model}
        if _first_answer("allow_migrate", alias, model._meta.app_label, **hints) is False:
            yield f"A database router keeps the table of {label} out of {alias!r}"


def _first_answer(question: str, *args: Any, **hints: Any) -> Any:
    # Not router.db_for_write(): that hides whether a router chose "default" or none had an opinion.
    for each in router.routers:
        answer = getattr(each, question)(*args, **hints) if hasattr(each, question) else None
        if answer is not None:
            return answer
    return None


def _sqlite_warnings(alias: str) -> Iterator[checks.Warning]:
    database = settings.DATABASES.get(alias, {})
    if database.get("ENGINE") != "django.db.backends.sqlite3":
        return
    options = database.get("OPTIONS", {})
    if not _keeps_wal(Path(str(database.get("NAME")))):
        yield checks.Warning(
            f"The SQLite database {alias!r} keeps no write-ahead log: readers and writers wait for each other.",
            hint=f"DATABASES[{alias!r}]['OPTIONS'] = {{'init_command': 'PRAGMA journal_mode=WAL'}}",
            id=f"{PACKAGE}.W010",
        )
    if str(options.get("transaction_mode", "")).upper() != "IMMEDIATE":
        yield checks.Warning(
            f"Transactions on the SQLite database {alias!r} begin as readers; under load some fail as 'locked'.",
            hint=f"DATABASES[{alias!r}]['OPTIONS'] = {{'transaction_mode': 'IMMEDIATE'}}",
            id=f"{PACKAGE}.W011",
        )


def _keeps_wal(path: Path) -> bool:
    """Read it from the file's header, so that a check opens no connection and makes no file."""
    if not path.is_file():
        return True  # in memory, or not made yet
    with path.open("rb") as file:
        header = file.read(_SQLITE_VERSION_OFFSET + 1)
    return len(header) <= _SQLITE_VERSION_OFFSET or header[_SQLITE_VERSION_OFFSET] == _SQLITE_WAL
