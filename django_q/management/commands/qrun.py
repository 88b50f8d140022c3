"""``manage.py qrun``: enqueue one call, watch it, print its result."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error
from django.urls import NoReverseMatch, reverse

from django_q import conf
from django_q.exceptions import ClusterError, InvalidSettings, PayloadError
from django_q.kernel import callables
from django_q.kernel.queues import serves
from django_q.management.arguments import parse
from django_q.management.own_cluster import OwnCluster
from django_q.management.watch import Watcher
from django_q.models import Incarnation, Task
from django_q.tasks import async_task, cancel, options
from django_q.tasks.waiting import nobody_serves

SUCCEEDED, FAILED, REFUSED, UNFINISHED = 0, 1, 2, 3
INTERRUPTED = 130


class Command(BaseCommand):
    """Run one task from the terminal."""

    help = (
        "Enqueues a call, shows how it stands, prints what it returned, and exits with 0 (it succeeded), 1 (it did "
        "not), 2 (it could not be enqueued) or 3 (--wait was over). Arguments are Python literals or else texts; "
        "name=value is a keyword of the function, or an option as in async_task()."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("function", help="Dotted path, for example math.copysign.")
        parser.add_argument("arguments", nargs="*", metavar="argument", help="A Python literal, a text or name=value.")
        parser.add_argument("--wait", type=_seconds, metavar="SECONDS", help="Watch for so long; default: to the end.")
        parser.add_argument("--no-wait", action="store_true", help="Only enqueue, and print the id.")
        parser.add_argument(
            "--own-cluster",
            action="store_true",
            help="Run it in a cluster that is started for it and stopped after it; with DEBUG on, that is what happens "
            "wherever no cluster serves the queue.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **given: Any) -> None:
        if given["no_wait"] and (given["own_cluster"] or given["wait"] is not None):
            raise CommandError("--no-wait goes with neither --own-cluster nor --wait.", returncode=REFUSED)
        try:
            sys.exit(self._run(given))
        except (ClusterError, InvalidSettings) as error:
            raise CommandError(str(error), returncode=REFUSED) from error
        except Error as error:
            reason = " ".join(str(error).split())
            raise CommandError(
                f"The database {conf.current().orm!r} cannot be used: {reason} See: manage.py qcheck",
                returncode=REFUSED,
            ) from error

    def _run(self, given: dict[str, Any]) -> int:
        args, kwargs = parse(given["arguments"])
        _check(given["function"], args, kwargs)
        with _somebody_serves(kwargs, given) as cluster:
            task_id = async_task(given["function"], *args, **kwargs)
            if given["no_wait"]:
                self._print({"id": task_id} if given["json"] else None, task_id)
                return SUCCEEDED
            if cluster is not None:
                cluster.start()
            return self._watch(task_id, cluster, given)

    def _watch(self, task_id: str, cluster: OwnCluster | None, given: dict[str, Any]) -> int:
        self._note(f"{task_id} {given['function']}", given)
        if cluster is not None:
            why = "" if given["own_cluster"] else ", since none serves its queue"
            self._note(f"A cluster is started for this task{why}.", given)
        watcher = Watcher(task_id, sys.stderr if given["verbosity"] else None)
        try:
            task = watcher.follow(given["wait"], is_hopeless=lambda: cluster is not None and not cluster.is_running)
            if task is None and watcher.is_queued():
                return self._give_up(watcher, cluster)
            code = self._report(task, given)
            if cluster is not None and (left := cluster.finish()):
                self._note(f"What it enqueued for later is in the usual queue: {left}.", given)
        except KeyboardInterrupt:
            return self._interrupted(task_id, cluster)
        return code

    def _give_up(self, watcher: Watcher, cluster: OwnCluster | None) -> int:
        if cluster is not None and not cluster.is_running:
            self.stderr.write(
                f"The cluster that was started for it has ended; it waits in the queue: {watcher.task_id}"
            )
            return FAILED
        self.stderr.write(f"It has not ended after {watcher.seconds:.0f} s; it goes on: {watcher.task_id}")
        return UNFINISHED

    def _interrupted(self, task_id: str, cluster: OwnCluster | None) -> int:
        if cluster is None:
            self.stderr.write(f"Not watched any more; the task goes on: {task_id}")
        elif cancel(task_id):
            cluster.finish()
            self.stderr.write(f"Canceled: {task_id}")
        return INTERRUPTED

    def _report(self, task: Task | None, given: dict[str, Any]) -> int:
        if task is None:
            self._note("It has ended and left no row, as its option save=False asks.", given)
            return SUCCEEDED
        if given["json"]:
            self._print(_facts(task), "")
        elif task.success:
            self._print(None, repr(task.result))
        else:
            self.stderr.write(task.traceback or task.error)
        how = "succeeded" if task.success else f"did not succeed ({task.reason})"
        self._note(f"It {how} after {task.time_taken():.3f} s. {_page_of(task)}".rstrip(), given)
        return SUCCEEDED if task.success else FAILED

    def _note(self, line: str, given: dict[str, Any]) -> None:
        """Say something that --verbosity 0 can do without."""
        if given["verbosity"]:
            self.stderr.write(line, self.style.NOTICE)

    def _print(self, facts: dict[str, Any] | None, line: str) -> None:
        self.stdout.write(line if facts is None else json.dumps(facts, cls=DjangoJSONEncoder, indent=2))


@contextmanager
def _somebody_serves(kwargs: dict[str, Any], given: dict[str, Any]) -> Iterator[OwnCluster | None]:
    """See that a cluster serves the queue of a call; yield one of its own where none does and one may be started."""
    current = conf.current()
    queue = kwargs.get("cluster") or current.name
    if given["no_wait"] or current.sync or kwargs.get("sync"):
        yield None
        return
    if not given["own_cluster"]:
        if _is_served(queue, current.orm):
            yield None
            return
        if not settings.DEBUG:
            raise CommandError(
                f"{nobody_serves(queue)}, or add --own-cluster to run this task in one that is started for it.",
                returncode=REFUSED,
            )
    kwargs.pop("cluster", None)
    with OwnCluster() as cluster:
        yield cluster


def _is_served(queue: str, alias: str) -> bool:
    living = Incarnation.objects.using(alias).living().values_list("queues", flat=True)
    return any(serves(json.loads(queues), queue) for queues in living)


def _check(path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse what no worker could call. An ImportError from inside a user's module is shown as it is."""
    function = callables.resolve(path)
    chosen, rest = options.split(function, dict(kwargs))
    options.parse(chosen)
    options.check_call(function, args, rest)


def _facts(task: Task) -> dict[str, Any]:
    """Return what is known of a task that ended; what JSON cannot say is its ``repr``."""
    columns = ("id", "name", "func", "success", "reason", "error", "attempt_count", "started", "stopped", "worker")
    facts = {name: getattr(task, name) for name in columns} | {"time_taken": task.time_taken()}
    try:
        result: Any = task.result if task.success else None
    except PayloadError as error:
        return facts | {"result": None, "unreadable": str(error)}
    try:
        json.dumps(result, cls=DjangoJSONEncoder)
    except (TypeError, ValueError):
        result = repr(result)
    return facts | {"result": result}


def _page_of(task: Task) -> str:
    try:
        return reverse(f"admin:django_q_{'success' if task.success else 'failure'}_change", args=[task.pk])
    except NoReverseMatch:  # the project has no admin
        return ""


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not a number of seconds; write a number above 0")
    return seconds
