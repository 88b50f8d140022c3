"""Rows of Django Q, made by hand as its packages write them."""

import base64
import pickle
import uuid
from datetime import datetime, timedelta
from datetime import timezone as zones
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils import timezone

from django_q.kernel import clock
from django_q.management.moving.tables import OldQueued, OldSchedule, OldTask

LONG_AGO = datetime(2026, 1, 31, 9, 30, tzinfo=zones.utc)


def moment(seconds: float = 0) -> datetime:
    """Return a moment so many seconds from now, as Django has it."""
    found = clock.now() + timedelta(seconds=seconds)
    return found if settings.USE_TZ else timezone.make_naive(found)


class Bomb:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return open, (self.path, "w")


class Pickler:
    """The serializer of Django Q."""

    def dumps(self, value: Any) -> bytes:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def new_id() -> str:
    return uuid.uuid4().hex


def package(func: Any = "math.copysign", args: tuple[Any, ...] = (1, -2), **parts: Any) -> dict[str, Any]:
    """Return a call as Django Q packs it."""
    call = {"id": new_id(), "name": "four-words-of-it", "func": func, "args": args, "kwargs": {}, "started": moment(-3)}
    return call | parts


def signed(package: dict[str, Any], *, secret: str | None = None, salt: str = "default", compress: bool = False) -> str:
    """Return a package as Django Q signs it."""
    return str(
        signing.dumps(package, key=secret or settings.SECRET_KEY, salt=salt, compress=compress, serializer=Pickler)
    )


def queued(
    func: Any = "math.copysign",
    args: tuple[Any, ...] = (1, -2),
    *,
    key: str = "default",
    lock: Any = ...,
    compress: bool = False,
    secret: str | None = None,
    salt: str = "default",
    **parts: Any,
) -> str:
    """Enqueue a call as Django Q2 does and return the id of its task."""
    call = package(func, args, **parts)
    payload = signed(call, secret=secret, salt=salt, compress=compress)
    OldQueued.objects.create(key=key, payload=payload, lock=moment(-3) if lock is ... else lock)
    return str(call["id"])


def pickled(value: Any) -> str | None:
    """Return a value as a column of Django Q's history holds it."""
    return None if value is None else base64.b64encode(pickle.dumps(value)).decode()


def ended(result: Any = 3, *, args: Any = (1, 2), kwargs: Any = None, **columns: Any) -> str:
    """Write a task that ended into the old history and return its id."""
    values = {
        "id": new_id(),
        "name": "four-words",
        "func": "shop.tasks.send",
        "hook": None,
        "group": None,
        "cluster": "default",
        "started": moment(-60),
        "stopped": moment(-50),
        "success": True,
        "attempt_count": 1,
        **columns,
    }
    payloads = {"args": pickled(args), "kwargs": pickled(kwargs or {}), "result": pickled(result)}
    return str(OldTask.objects.create(**{**payloads, **values}).pk)


def scheduled(func: str = "math.copysign", **columns: Any) -> int:
    """Write a schedule into the old table and return its number."""
    values = {"schedule_type": "D", "repeats": -1, "next_run": moment(3600), "args": "1, -2", **columns}
    return int(OldSchedule.objects.create(func=func, **values).pk)
