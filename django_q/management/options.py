"""Options that ``qcluster`` and ``qdev`` share."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from typing import Any

from django_q.conf import LEVELS

_WITH_VALUES = ("name", "workers", "log_level")


def add_cluster_options(parser: ArgumentParser) -> None:
    """Add what describes a cluster: its name, its workers, how much it says."""
    parser.add_argument("-n", "--name", help="Name of the cluster and of the queue it serves.")
    add_worker_options(parser, usual="one for each usable CPU")


def add_worker_options(parser: ArgumentParser, *, usual: str, default: int | None = None) -> None:
    """Add what every cluster can be told: its workers, ``usual`` in words, and how much it says."""
    parser.add_argument(
        "-w", "--workers", type=_at_least_one, default=default, help=f"Worker processes; default: {usual}."
    )
    parser.add_argument("--log-level", choices=LEVELS, type=str.upper, help="Level of the logger 'django_q'.")
    parser.add_argument("--json-logs", action="store_true", help="Log one JSON object a line.")


def cluster_words(options: Mapping[str, Any]) -> list[str]:
    """Return these options as they are typed, for a cluster in a child process."""
    given = {name: options[name] for name in _WITH_VALUES if options.get(name) is not None}
    words = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    return [*words, "--json-logs"] if options["json_logs"] else words


def _at_least_one(text: str) -> int:
    """Read a number of workers."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of workers; write 1 or more")
    return int(text)
