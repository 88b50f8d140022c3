"""The settings under the names that they have in Django Q, for code that reads ``Conf.SYNC``."""

from collections.abc import Callable, Mapping, MutableMapping
from difflib import get_close_matches
from typing import Any

# Attribute of Django Q's Conf -> key of Q_CLUSTER, where it is not the same in small letters.
_KEYS = {"PREFIX": "name", "CLUSTER_NAME": "name", "COMPRESSED": "compress"}

# What Django Q's Conf says of keys that change nothing here, unless Q_CLUSTER says else.
_UNUSED: dict[str, Any] = {
    "BULK": 1,
    "DAEMONIZE_WORKERS": True,
    "DJANGO_REDIS": None,
    "GUARD_CYCLE": 0.5,
    "IRON_MQ": None,
    "MONGO": None,
    "MONGO_DB": None,
    "QUEUE_LIMIT": None,
    "REDIS": {},
    "RETRY": 60,
    "SQS": None,
    "TESTING": False,
}
_WORDS = {
    "STARTING": "Starting",
    "WORKING": "Working",
    "IDLE": "Idle",
    "STOPPED": "Stopped",
    "STOPPING": "Stopping",
}
# What a value is called there.
_TRANSLATED: dict[str, Callable[[Any], Any]] = {
    "CACHED": lambda cached: cached or False,
    "CATCH_UP": lambda policy: policy == "all",
    "SAVE_LIMIT": lambda limit: limit or 0,
}


class OldConf:
    """Reads the settings by Django Q's names, and changes them for a test: ``Conf.SYNC = True``."""

    def __init__(
        self,
        current: Callable[[], Any],
        written: Callable[[], Mapping[str, Any]],
        changes: MutableMapping[str, Any],
        forget: Callable[[], None],
    ) -> None:
        vars(self).update(_current=current, _written=written, _changes=changes, _forget=forget)

    def __getattr__(self, name: str) -> Any:
        if name in _WORDS:
            return _WORDS[name]
        if name in _UNUSED:
            return self._written().get(name.lower(), _UNUSED[name])
        value = getattr(self._current(), self._key(name))
        return _TRANSLATED[name](value) if name in _TRANSLATED else value

    def __setattr__(self, name: str, value: Any) -> None:
        """Change a setting in this process, until it is set back to what Q_CLUSTER says."""
        if name in _UNUSED:
            return
        key = self._key(name)
        self._changes.pop(key, None)
        self._forget()
        if value != getattr(self, name):
            self._changes[key] = value
            self._forget()

    def __delattr__(self, name: str) -> None:
        """Set a setting back to what Q_CLUSTER says, as tools that patch for a test do."""
        self._changes.pop(self._key(name), None)
        self._forget()

    def __dir__(self) -> list[str]:
        return sorted([*map(str.upper, vars(self._current())), *_KEYS, *_UNUSED, *_WORDS])

    def _key(self, name: str) -> str:
        key = _KEYS.get(name, name.lower())
        if name != name.upper() or name.startswith("_") or not hasattr(self._current(), key):
            close = get_close_matches(name.upper(), dir(self), n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise AttributeError(f"Django Q's Conf has no {name!r}.{hint}")
        return key
