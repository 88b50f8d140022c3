"""What is sent to the engine and read from the logger, and what their answers mean."""

import json
import re
from collections.abc import Callable
from math import isfinite
from time import monotonic
from typing import Any

import requests
import urllib3

from django_q.examples.experimenteditor.models import RunResult
from django_q.examples.experimenteditor.options import option

_SECTIONS = ("SSS_once", "SSS_loop", "CAN_once", "CAN_utils", "seed_key")
_PIECE = 65536  # bytes
_END_OF_CALENDAR = 253402214400  # Unix time of 9999-12-31, a day before the end, for zones ahead


class DeviceError(Exception):
    """A device did not do what it was asked for."""

    def __init__(
        self, message: str, *, may_recover: bool, code: int | None = None, may_have_arrived: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code
        self.may_recover = may_recover  # is it worth another try?
        self.may_have_arrived = may_have_arrived  # did the device perhaps get and obey it?

    def __str__(self) -> str:
        return f"{self.args[0]} (Error Code: {self.code})" if self.code else str(self.args[0])


def body_of(run: RunResult) -> dict[str, Any]:
    """Return the JSON that makes the engine run an experiment; each list of commands is sorted by their delay."""
    commands: dict[str, list[Any]] = {section: [] for section in _SECTIONS}
    for command in run.experiment.get_all_commands_list():
        section, entry = command.as_sent()
        commands[section].append(entry)
    info = {"ExperimentName": name_of(run), "Endtime": run.end.timestamp()}
    return {"Info": info, "Commands": commands}


def name_of(run: RunResult) -> str:
    """Return the name by which the devices know a run: that of the POST, whatever the title is by now."""
    return run.sent_as or run.experiment.slugify_name()


def post_experiment(url: str, run: RunResult) -> None:
    """Hand an experiment to the engine; raise DeviceError unless the engine says that it took it.

    The key lets an engine recognise a second POST after one whose answer was lost on the way.
    """
    key = f"{name_of(run)}-{run.pk}-{run.end.timestamp():.0f}"
    text = _ask("POST", url, json=body_of(run), headers={"Idempotency-Key": key}).decode(errors="replace").strip()
    if text:  # the engine says 200 to everything; only silence is consent
        raise DeviceError(f"The engine answered {text[:200]!r}.", may_recover=False)


def get_plot(url: str) -> tuple[list[float], list[float]]:
    """Return the moments and the values of a series."""
    return _series(url, _finite)


def get_texts(url: str) -> tuple[list[float], list[str]]:
    """Return the moments and the values of a series of texts in hexadecimal digits."""
    return _series(url, _hexadecimal)


def get_log_chunk(url: str) -> tuple[list[str], bool]:
    """Return a part of a log, one line per entry, and whether there is another part.

    A part without an entry says that there is another one only if the device is broken, and would say so for ever.
    """
    answer = _json(_ask("GET", url), url)
    try:
        lines = [f"{_moment(moment):.3f} {_line(message)}\n" for moment, message in answer["log"]]
        has_more = bool(answer["hasmore"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DeviceError(f"{url!r} answered {str(answer)[:80]!r}, which is no log.", may_recover=True) from error
    if has_more and not lines:
        raise DeviceError(f"{url!r} answered with an empty part and the promise of another.", may_recover=False)
    return lines, has_more


def _series(url: str, value: Callable[[Any], Any]) -> tuple[list[float], list[Any]]:
    answer = _json(_ask("GET", url), url)
    try:
        ydata = answer["y_values"]
        values = [ydata] if isinstance(ydata, str) else list(ydata)
        xdata, ydata = [_moment(moment) for moment in answer["x_values"]], [value(each) for each in values]
    except (KeyError, TypeError, ValueError) as error:
        raise DeviceError(f"{url!r} answered {str(answer)[:80]!r}, which is no plot.", may_recover=True) from error
    if len(xdata) != len(ydata):
        raise DeviceError(f"{url!r} answered {len(xdata)} moments and {len(ydata)} values.", may_recover=True)
    return xdata, ydata


def _finite(value: Any) -> float:
    """Return a number that a database can keep."""
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"{value!r} is no number")
    return number


def _moment(value: Any) -> float:
    """Return a Unix time that a calendar has."""
    number = _finite(value)
    if not 0 <= number < _END_OF_CALENDAR:
        raise ValueError(f"{value!r} is no Unix time")
    return number


def _hexadecimal(value: Any) -> str:
    if not re.fullmatch("([0-9a-fA-F]{2})*", value):
        raise ValueError(f"{value!r} is not hexadecimal")
    return str(value)


def _line(message: str) -> str:
    """Return a message as one line that every database can keep."""
    text = " ".join(message.splitlines()).rstrip().replace("\x00", "\ufffd")
    return text.encode(errors="replace").decode()


def _ask(method: str, url: str, **options: Any) -> bytes:
    """Send a request that cannot wait for ever, and return the body of the answer if its status is 200.

    HTTP_TIMEOUT limits each silence. HTTP_LIMIT limits the whole body, for a device that trickles.
    """
    deadline = monotonic() + option("HTTP_LIMIT")
    try:
        # Following a redirection would make a GET of a POST.
        answer = requests.request(
            method, url, timeout=option("HTTP_TIMEOUT"), stream=True, allow_redirects=False, **options
        )
        with answer:
            body = _read(answer, url, deadline)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        said = f"{url!r} cannot be reached: {type(error).__name__}."
        raise DeviceError(said, may_recover=True, may_have_arrived=not _is_unheard(error)) from error
    if not body and not answer.headers.keys() & {"Content-Length", "Transfer-Encoding"}:
        # Python takes a head that was cut off for a whole one, and silence means consent.
        raise DeviceError(f"{url!r} broke off its answer.", may_recover=True, may_have_arrived=True)
    if answer.status_code != 200:
        raise DeviceError(f"{url!r} refused.", code=answer.status_code, may_recover=answer.status_code >= 500)
    return body


def _read(answer: requests.Response, url: str, deadline: float) -> bytes:
    pieces = []
    while piece := answer.raw.read1(_PIECE, decode_content=True):
        pieces.append(piece)
        if monotonic() > deadline:
            said = f"{url!r} has not said everything in {option('HTTP_LIMIT'):g} s."
            raise DeviceError(said, may_recover=True, may_have_arrived=True)
    return b"".join(pieces)


def _is_unheard(error: BaseException) -> bool:
    """Tell whether there was not even a connection, so that the device cannot know of the request."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, urllib3.exceptions.NewConnectionError)


def _json(body: bytes, url: str) -> Any:
    # The type in the header is wrong by tradition: the body decides.
    try:
        return json.loads(body)
    except ValueError as error:
        raise DeviceError(f"{url!r} answered no JSON: {body[:80]!r}.", may_recover=True) from error
