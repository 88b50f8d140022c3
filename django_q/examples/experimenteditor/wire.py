"""What is sent to the engine and read from the logger, and what their answers mean."""

from typing import Any

import requests

from django_q.examples.experimenteditor.models import Experiment, RunResult
from django_q.examples.experimenteditor.options import option


class DeviceError(Exception):
    """A device did not do what it was asked for."""

    def __init__(self, message: str, *, code: int | None = None, may_recover: bool) -> None:
        super().__init__(message)
        self.code = code
        self.may_recover = may_recover

    def __str__(self) -> str:
        return f"{self.args[0]} (Error Code: {self.code})" if self.code else str(self.args[0])


def body_of(run: RunResult) -> dict[str, Any]:
    """Return the JSON that makes the engine run an experiment."""
    others: dict[str, list[Any]] = {"SSS_loop": [], "CAN_once": [], "CAN_utils": [], "seed_key": []}
    return {
        "Info": {"ExperimentName": run.experiment.slugify_name(), "Endtime": run.end.timestamp()},
        "Commands": {"SSS_once": _commands(run.experiment), **others},
    }


def post_experiment(url: str, run: RunResult) -> None:
    """Hand an experiment to the engine; raise DeviceError unless the engine says that it took it.

    The key lets an engine recognise a second POST after one whose answer was lost on the way.
    """
    key = f"{run.experiment.slugify_name()}-{run.pk}-{run.end.timestamp():.0f}"
    answer = _ask("POST", url, json=body_of(run), headers={"Idempotency-Key": key})
    text = answer.text.strip()
    if text:  # the engine says 200 to everything; only silence is consent
        raise DeviceError(f"The engine answered {text[:200]!r}.", may_recover=False)


def get_plot(url: str) -> tuple[list[float], list[float]]:
    """Return the moments and the values of a series."""
    answer = _json(_ask("GET", url), url)
    try:
        xdata, ydata = [float(x) for x in answer["x_values"]], [float(y) for y in answer["y_values"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DeviceError(f"{url!r} answered {str(answer)[:80]!r}, which is no plot.", may_recover=True) from error
    if len(xdata) != len(ydata):
        raise DeviceError(f"{url!r} answered {len(xdata)} moments and {len(ydata)} values.", may_recover=True)
    return xdata, ydata


def get_log_chunk(url: str) -> tuple[str, bool]:
    """Return a part of a log, one line per entry, and whether there is another part."""
    answer = _json(_ask("GET", url), url)
    try:
        lines = [f"{moment:.3f} {message.rstrip()}\n" for moment, message in answer["log"]]
        return "".join(lines), bool(answer["hasmore"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DeviceError(f"{url!r} answered {str(answer)[:80]!r}, which is no log.", may_recover=True) from error


def _commands(experiment: Experiment) -> list[list[Any]]:
    return [[float(each.delay), each.name, each.numbers()] for each in experiment.get_all_commands_list()]


def _ask(method: str, url: str, **options: Any) -> requests.Response:
    """Send a request that cannot wait for ever, and return the answer if its status is 200."""
    try:
        answer = requests.request(method, url, timeout=option("HTTP_TIMEOUT"), **options)
    except requests.RequestException as error:
        raise DeviceError(f"{url!r} cannot be reached: {type(error).__name__}.", may_recover=True) from error
    if answer.status_code != 200:
        raise DeviceError(f"{url!r} refused.", code=answer.status_code, may_recover=answer.status_code >= 500)
    return answer


def _json(answer: requests.Response, url: str) -> Any:
    # The type in the header is wrong by tradition: the body decides.
    try:
        return answer.json()
    except ValueError as error:
        raise DeviceError(f"{url!r} answered no JSON: {answer.text[:80]!r}.", may_recover=True) from error
