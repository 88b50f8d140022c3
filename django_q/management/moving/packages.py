"""The packages of Django Q's queue and the pickles of its history: the first are signed, the second are not."""

import pickle  # noqa: S403 - loads what our own key signed, and what the caller says may be trusted
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner

from django_q.exceptions import PayloadError
from django_q.tasks.lookup import Function

#: What Django Q takes for an option, whatever the function's parameters are called.
OPTIONS = frozenset({"hook", "group", "save", "cached", "ack_failure", "timeout", "task_name"})
#: Options that say where a call goes, or that it runs at once: what is queued has got there.
SPENT = frozenset({"sync", "broker", "cluster", "broker_name", "iter_count", "iter_cached", "chain"})
_ID_LENGTH = 32
_NEEDED = ("id", "name", "func", "args", "kwargs", "started")


@dataclass(frozen=True, slots=True)
class Package:
    """A call as it stands in Django Q's queue."""

    id: str
    name: str
    func: Function
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    started: datetime  # when it was enqueued
    options: Mapping[str, Any]
    chain: tuple[Any, ...] = ()  # the steps that follow
    iteration: int = 0  # of how many items it is one
    iter_cached: Any = None  # what becomes of the results of all items together


class _Verified:
    """The serializer that leaves a verified body as it is."""

    def dumps(self, obj: Any) -> bytes:
        return bytes(obj)

    def loads(self, data: bytes) -> Any:
        return data


def open_package(payload: str, *, name: str) -> Package:
    """Return a package that was signed under the name of a cluster with SECRET_KEY or one of its fallbacks.

    Nothing is unpickled before the signature is verified. Raises :exc:`~django_q.exceptions.PayloadError`.
    """
    signer = TimestampSigner(key=settings.SECRET_KEY, salt=name, fallback_keys=settings.SECRET_KEY_FALLBACKS)
    try:
        body = signer.unsign_object(payload, serializer=_Verified)
    except (BadSignature, ValueError) as error:
        raise PayloadError(
            f"it is not signed with this SECRET_KEY under the name {name!r}; if the old cluster had another name, pass "
            "--name, and add a replaced key to SECRET_KEY_FALLBACKS"
        ) from error
    found = _unpickled(body)
    if not isinstance(found, dict) or any(key not in found for key in _NEEDED):
        raise PayloadError("it is signed, but no task: parts are missing")
    if not isinstance(found["id"], str) or not 1 <= len(found["id"]) <= _ID_LENGTH:
        raise PayloadError(f"its id {found['id']!r} is no text of 1 to {_ID_LENGTH} characters")
    return _package(found)


def open_column(text: str | None) -> Any:
    """Unpickle a column of the history: anybody who could write the table may have chosen what that runs.

    Raises :exc:`~django_q.exceptions.PayloadError`.
    """
    if text is None:
        return None
    try:
        body = b64decode(text, validate=True)
    except ValueError as error:
        raise PayloadError("its arguments or its result are no pickle") from error
    return _unpickled(body)


def split(kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of a call, as Django Q finds them among its keywords, and the keywords that are left."""
    rest = dict(kwargs)
    given = dict(rest.pop("q_options", None) or {})
    for key in sorted((OPTIONS | SPENT) & rest.keys()):
        if key not in given:
            given[key] = rest.pop(key)
    return given, rest


def _package(found: Mapping[str, Any]) -> Package:
    return Package(
        id=found["id"],
        name=found["name"],
        func=found["func"],
        args=tuple(found["args"]),
        kwargs=dict(found["kwargs"]),
        started=found["started"],
        options={key: found[key] for key in OPTIONS if key in found},
        chain=tuple(found.get("chain") or ()),
        iteration=found.get("iter_count") or 0,
        iter_cached=found.get("iter_cached"),
    )


def _unpickled(body: bytes) -> Any:
    try:
        return pickle.loads(body)  # noqa: S301 - see the module's first line
    except Exception as error:  # a user's module is imported, a user's class is made
        raise PayloadError(f"it cannot be unpickled here ({type(error).__name__}: {error})") from error
