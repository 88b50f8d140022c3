"""Settings that are a dict of options, as satellites have one each: read at use, every key with a default."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from django.conf import settings

from django_q.exceptions import InvalidSettings


class OptionDict:
    """The options of one setting.

    ``remedy`` takes a key and a value and returns what to write instead of one that cannot be used, else nothing.
    ``default_of`` takes a key that is not given and returns what is meant then, if not simply its default.
    """

    def __init__(
        self,
        setting: str,
        defaults: Mapping[str, Any],
        remedy: Callable[[str, Any], str],
        *,
        example: str,
        default_of: Callable[[str], Any] | None = None,
    ) -> None:
        self.setting = setting
        self.defaults = defaults
        self._remedy = remedy
        self._example = example
        self._default_of = default_of or defaults.__getitem__

    def value(self, key: str) -> Any:
        """Return the value of a key. Raises :exc:`~django_q.exceptions.InvalidSettings` for one that cannot be used."""
        given = self._given()
        if not isinstance(given, dict):
            raise InvalidSettings(self._no_dict(given))
        value = given[key] if key in given else self._default_of(key)
        if complaint := self._complaint(key, value):
            raise InvalidSettings(complaint)
        return value

    def complaints(self, given: Any = None) -> list[str]:
        """Return what is wrong with the setting, or with a value in its place, one sentence each."""
        given = self._given() if given is None else given
        if not isinstance(given, dict):
            return [self._no_dict(given)]
        found = [self._unknown(key) for key in given if key not in self.defaults]
        found += [self._complaint(key, given[key] if key in given else self._default_of(key)) for key in self.defaults]
        return [complaint for complaint in found if complaint]

    def _given(self) -> Any:
        return getattr(settings, self.setting, {})

    def _no_dict(self, given: Any) -> str:
        return f"{self.setting} is {given!r}, not a dict. Write {self.setting} = {self._example}, for example."

    def _unknown(self, key: object) -> str:
        close = get_close_matches(str(key), self.defaults, n=1)
        nearest = f"Did you mean {close[0]!r}?" if close else f"Choose among {', '.join(map(repr, self.defaults))}."
        return f"{self.setting} has a key {key!r} that does not exist. {nearest}"

    def _complaint(self, key: str, value: Any) -> str:
        remedy = self._remedy(key, value)
        return remedy and f"{self.setting}[{key!r}] is {value!r}. {remedy}"
