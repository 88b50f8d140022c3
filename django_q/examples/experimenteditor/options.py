"""What ``settings.EXPERIMENTEDITOR`` may say, read at use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Option:
    """One key: what it means, what it is if nobody says, and of which type it has to be."""

    meaning: str
    default: Any
    types: tuple[type, ...] = (int, float)
    minimum: float = 0
    places: tuple[str, ...] | None = None  # the format arguments that a text may name


def _text(meaning: str, *places: str) -> Option:
    # None stands for the name of the same spelling in the module `tasks`.
    return Option(meaning, None, (str,), places=places)


OPTIONS = {
    "remindermessage": _text("the body of the reminder", "start_humanized", "end_humanized", "title", "start", "end"),
    "expfinishedmessage": _text("the body of the mail at the end", "title", "link", "start", "end"),
    "ENGINEBEAGLEBONEIP": _text("where experiments are posted"),
    "LOGGERIP": _text("where the axle based vehicle speed is", "expname"),
    "GOVIP": _text("where the governor speed is", "expname"),
    "VINIP": _text("where the vehicle identification number is", "expname"),
    "FULLLOGIP": _text("where the parts of a log are", "expname", "chunkidx"),
    "NOTIFY": Option("the path of a callable that notifies users instead of our own rows", "", (str,)),
    "ENGINE_KNOWS_KEYS": Option("does the engine take a second POST with the same key for the first?", True, (bool,)),
    "LOGGER_REPEATS": Option("does the logger hand out the part of a log that it gave last once more?", True, (bool,)),
    "LEAD": Option("seconds from the POST to the start of the slot", 30),
    "CLOCK_TOLERANCE": Option("seconds by which the clocks of hosts may differ", 60),
    "MARGIN": Option("seconds kept free after the end of a slot", 15),
    "MAIL_DELAY": Option("seconds from the end of the slot to the mail", 10),
    "FETCH_DELAY": Option("seconds from the end of the slot to the collection of the results", 15),
    "RETRY_DELAY": Option("seconds until a device is asked again; doubled each time for results", 5, minimum=0.01),
    "FETCH_TRIES": Option("how often the results are asked for", 5, (int,), minimum=1),
    "MOST_PARTS": Option("how many parts a log may have", 1000, (int,), minimum=1),
    "HTTP_TIMEOUT": Option("seconds in which a device has to say something", 10, minimum=0.01),
    "HTTP_LIMIT": Option("seconds in which a device has to have said everything", 120, minimum=0.01),
    "LONGEST_SLOT": Option("seconds that a slot may last", 4 * 3600, minimum=1),
}


def option(name: str, default: Any = None) -> Any:
    """Return what the settings say about a name, else its default."""
    known = OPTIONS[name].default
    return written().get(name, default if known is None else known)


def span(name: str) -> timedelta:
    """Return an option that is a number of seconds."""
    return timedelta(seconds=option(name))


def written() -> Mapping[str, Any]:
    """Return the settings as they stand."""
    return getattr(settings, "EXPERIMENTEDITOR", None) or {}
