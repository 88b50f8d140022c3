"""``manage.py qrunner``: run class tasks until it is stopped."""

import logging
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from django_q.conf import LEVELS, Settings
from django_q.contrib.class_tasks.exceptions import ClassTaskError
from django_q.contrib.class_tasks.models import LABEL
from django_q.contrib.class_tasks.runner import Runner
from django_q.contrib.class_tasks.service import RECYCLE
from django_q.exceptions import InvalidSettings, InvalidValue
from django_q.management import beside
from django_q.management.beside import Member, Together
from django_q.management.first_process import leave_first_place
from django_q.management.invocation import command_line
from django_q.management.preconditions import require_tables, settings_of
from django_q.management.reloading import Reloading

_REFUSED = 2


class Command(BaseCommand):
    """Run a runner in a child process, which is replaced when it dies or has to."""

    help = (
        "Runs class tasks until it gets SIGTERM or SIGINT: then all tasks are stopped, and wait for another runner. A "
        "second signal ends their grace."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-n", "--name", help="Name of the cluster whose settings are used.")
        parser.add_argument(
            "--concurrency",
            type=_count,
            help="Tasks at a time, or 'unlimited'; default: as the settings say.",
        )
        parser.add_argument(
            "--alone",
            action="store_true",
            help="Run in this process. It ends with code 75 when a task cannot be ended: whoever started it has to "
            "start it again.",
        )
        parser.add_argument("--reload", action="store_true", help="Start anew when a file of the project changes.")
        parser.add_argument("--log-level", choices=LEVELS, type=str.upper, help="Level of the logger 'django_q'.")
        parser.add_argument("--json-logs", action="store_true", help="Log one JSON object a line.")

    def handle(self, *args: Any, **options: Any) -> None:
        leave_first_place()  # before there are connections, which two processes cannot share
        settings = settings_of(options["name"])
        require_tables(settings.orm)
        require_tables(settings.orm, LABEL)
        beside.configure_logs(settings, options["log_level"], as_json=options["json_logs"])
        if options["alone"]:
            _end(_runner(options).run())
        connections.close_all()  # the child has its own; this process needs none any more
        sys.exit(_parent(settings, options).run())


def _runner(options: dict[str, Any]) -> Runner:
    """Return a runner that knows all tasks. Raises CommandError."""
    given = {} if options["concurrency"] is None else {"concurrency": options["concurrency"] or None}
    try:
        runner = Runner(**given)
        runner.discover()
    except (ImportError, ClassTaskError, InvalidSettings, InvalidValue) as error:
        raise CommandError(str(error), returncode=_REFUSED) from error
    runner.start_usual_tasks()
    return runner


def _parent(settings: Settings, options: dict[str, Any]) -> Together | Reloading:
    words = ["--alone"]
    if options["concurrency"] is not None:
        words.append(f"--concurrency={options['concurrency'] or 'unlimited'}")
    words += [f"--{name.replace('_', '-')}={options[name]}" for name in ("name", "log_level") if options[name]]
    words += ["--json-logs"] if options["json_logs"] else []

    def command(is_first: bool) -> list[str]:
        # This process has just made the checks that the child would repeat.
        return command_line("qrunner", *words, options={**options, "skip_checks": is_first or options["skip_checks"]})

    if options["reload"]:
        return Reloading(settings.name, command, what="runner")
    return Together([Member("runner", command(True), is_kept=True)])


def _end(code: int) -> None:
    """End this process; a thread that does not come back must not hold it up."""
    if code != RECYCLE:
        sys.exit(code)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _count(text: str) -> int:
    """Read a number of tasks; 0 is no limit."""
    if text == "unlimited":
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of tasks; write 1 or more, or 'unlimited'")
    return int(text)
