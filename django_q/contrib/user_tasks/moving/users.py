"""Whose the rows are: a key is believed if it means the same user in both databases."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model

NO_USER = "there is no user with the key of its user here"
OTHER_USER = "the key of its user belongs to somebody else here"


class Users:
    """Compares the users of two databases, which may be the same one."""

    def __init__(self, old: str, ours: str) -> None:
        self._old = old
        self._ours = ours

    def strangers(self, keys: Iterable[Any]) -> dict[Any, str]:
        """Return those of the keys that cannot be used, each with the reason."""
        wanted = set(keys)
        ours = _names(self._ours, wanted)
        found = {key: NO_USER for key in wanted if key not in ours}
        if self._old != self._ours:
            old = _names(self._old, wanted & ours.keys())
            found |= {key: OTHER_USER for key, name in old.items() if ours[key] != name}
        return found


def _names(alias: str, keys: Iterable[Any]) -> dict[Any, Any]:
    users: Any = get_user_model()
    rows = users._base_manager.using(alias).filter(pk__in=list(keys))
    return dict(rows.values_list("pk", users.USERNAME_FIELD))
