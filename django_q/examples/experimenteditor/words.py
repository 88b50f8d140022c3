"""How users are spoken to: in their language, with the times of their place."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import arrow
from arrow import locales
from django.conf import settings
from django.utils import formats, timezone, translation

from django_q.examples.experimenteditor.models import Preferences

# What Django calls otherwise than arrow.
_ARROW_NAMES = {
    "zh-hans": "zh-cn",
    "zh-hant": "zh-tw",
    "zh-hant-hk": "zh-hk",
    "zh-hant-mo": "zh-hk",
    "sr-latn": "hr",  # arrow writes Serbian in Cyrillic letters only
}


@contextmanager
def words_for(user: Any) -> Iterator[None]:
    """Let language and time zone be those of a user in this block; those of the site if he has chosen none.

    What the thread had before does not matter: a worker runs the tasks of all users one after the other.
    """
    chosen = Preferences.objects.filter(user=user.pk).first() or Preferences()
    language = chosen.language or settings.LANGUAGE_CODE
    with translation.override(language), timezone.override(zone_of(chosen)):
        yield


@contextmanager
def times_for(user: Any) -> Iterator[None]:
    """Let the time zone be that of a user in this block; if he has chosen none, it stays."""
    chosen = Preferences.objects.filter(user=user.pk).first()
    if chosen is None or not chosen.time_zone:
        yield
        return
    with timezone.override(zone_of(chosen)):
        yield


def zone_of(chosen: Preferences) -> ZoneInfo:
    """Return the time zone of a user; that of the site if this system does not know his."""
    return ZoneInfo(chosen.time_zone if chosen.time_zone in _known_zones() else settings.TIME_ZONE)


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads the whole directory


def humanize(moment: datetime) -> str:
    """Return a moment as people say it from now, in the current language, or in English if arrow does not know it."""
    return arrow.get(moment).humanize(arrow.get(timezone.now()), locale=arrow_locale(translation.get_language()))


def exact(moment: datetime) -> str:
    """Return a moment by the clock of the current time zone, and which that is."""
    return formats.date_format(timezone.localtime(moment), "Y-m-d H:i:s T")


def arrow_locale(language: str | None) -> str:
    """Return what arrow calls a language of Django: ``zh-hans`` is ``zh-cn``, ``es-mx`` is ``es``."""
    code = (language or "en").lower()
    for name in (_ARROW_NAMES.get(code, code), code.partition("-")[0]):
        try:
            locales.get_locale(name)
        except ValueError:
            continue
        return name
    return "en"
