"""A database with one of everything that the admin can show."""

import json
import traceback
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Permission, User

from django_q.brokers.orm import OrmBroker
from django_q.engine.completion import finish
from django_q.kernel import clock, ids
from django_q.kernel.messages import Advance, Outcome, Report
from django_q.kernel.states import Ending, TaskKind, TaskState
from django_q.models import Incarnation, OrmQ, Progress, Schedule, Task
from django_q.models.dialects.base import Later
from django_q.tasks import async_task
from django_q_tests.support import factories

GROUP = "nightly reports & more/2026"
SECRET = "rosebud"  # stands in the payloads only
ADD = "django_q_tests.support.jobs.add"
ECHO = "django_q_tests.support.jobs.echo"
FAIL = "django_q_tests.support.jobs.fail"
BAD_ENDINGS = (Ending.FAILED, Ending.TIMED_OUT, Ending.LOST, Ending.CANCELED)


@dataclass
class Scenery:
    """What was put where, by a name that says what it is."""

    queued: dict[str, str] = field(default_factory=dict)
    succeeded: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    clusters: dict[str, str] = field(default_factory=dict)
    schedules: dict[str, str] = field(default_factory=dict)
    chain: str = ""

    @classmethod
    def build(cls) -> "Scenery":
        """Fill the database that the default alias means."""
        made = cls()
        made.people()
        made.register_clusters()
        made.fill_history()
        made.claim_some()
        made.fill_queue()
        made.make_schedules()
        return made

    def people(self) -> None:
        """Create somebody who may do all, and somebody who may look."""
        User.objects.create_superuser("boss")
        looker = User.objects.create_user("looker", is_staff=True)
        rights = Permission.objects.filter(content_type__app_label="django_q", codename__startswith="view_")
        looker.user_permissions.set(rights.exclude(codename="view_payload"))

    def make_schedules(self) -> None:
        """Make one of each kind of rule and state; none is due while a page is looked at."""
        later = clock.now() + timedelta(days=40)
        rules = {
            "nightly report": {"schedule_type": "D", "args": "1, 2", "task": self.succeeded["alone"]},
            "quarters of an hour": {
                "schedule_type": "C",
                "cron": "*/15 8-18 * * mon-fri",
                "time_zone": "Europe/Berlin",
            },
            "every seven minutes": {"schedule_type": "I", "minutes": 7, "task": self.failed["failed"]},
            "that is over": {"schedule_type": "O", "repeats": 0},
            "that rests": {"schedule_type": "M", "paused_at": later},
            "that cannot run": {"schedule_type": "H", "args": "1,,", "error": "InvalidValue: '1,,' cannot be read"},
        }
        for name, fields in rules.items():
            row = Schedule.objects.create(name=name, func=ADD, next_run=later, **fields)
            row.remember_missed([clock.now()], 1)
            row.save()
            self.schedules[name] = str(row.pk)

    # Clusters --------------------------------------------------------------------------------------------------------

    def register_clusters(self) -> None:
        self.clusters["lively"] = factories.register(name="default", host="web-1.example.com", pid=4711, lease=3600)
        self.clusters["starting"] = factories.register(name="second", host="web-2.example.com", pid=42, lease=3600)
        self.clusters["silent"] = factories.register(
            name="third", host="a-rather-long-host-name.internal.example.com", pid=43, lease=-60
        )
        self.clusters["ended"] = factories.register(name="default", host="web-3.example.com", pid=44)
        Incarnation.objects.bury(self.clusters["ended"], expired_only=False)

    # The history -----------------------------------------------------------------------------------------------------

    def fill_history(self) -> None:
        for number in range(6):
            self.succeeded[f"sum {number}"] = async_task(ADD, number, 1, group=GROUP, sync=True)
        self.succeeded["rich"] = async_task(
            ECHO, SECRET, {"answer": 42, "text": "<b>bold</b> " * 30}, lines=["ä"] * 20, task_name="rich", sync=True
        )
        self.succeeded["alone"] = async_task("math.copysign", 1, -2, priority=5, sync=True)
        for ending in BAD_ENDINGS:
            name = ending.name.lower()
            self.failed[name] = self._end_badly(ending, task_name=f"ended {name}", group=GROUP)
        self.failed["tried often"] = self._end_badly(Ending.FAILED, attempts=3, task_name="tried often")

    def _end_badly(self, ending: Ending, *, attempts: int = 1, **options: Any) -> str:
        """Let a task fail as often as it may, by what a worker would report."""
        id = async_task(FAIL, SECRET, max_attempts=attempts, backoff=0, **options)
        while row := OrmQ.objects.filter(pk=id).first():
            OrmQ.objects.filter(pk=row.pk).promote()
            claims = OrmBroker().claim(1, queues=["default"], incarnation=self.clusters["lively"], generation=1)
            finish([_outcome(claim.envelope, ending) for claim in claims], cluster="default")
        return id

    # The queue -------------------------------------------------------------------------------------------------------

    def claim_some(self) -> None:
        """Let clusters hold some: a chain's first step, a task that was asked to stop, one of a cluster in doubt."""
        self.chain = ids.new_id()
        for name, cluster in (("running", "lively"), ("stopping", "lively"), ("held by the silent", "silent")):
            id = factories.put(SECRET, func=ECHO, name=name, chain=self.chain if name == "running" else None)
            claims = OrmBroker().claim(1, queues=["default"], incarnation=self.clusters[cluster], generation=1)
            OrmQ.objects.mark_running([(claim.envelope.id, claim.envelope.token) for claim in claims])
            self.queued[name] = id
        OrmQ.objects.filter(pk=self.queued["stopping"]).request_stop()
        far = [
            Advance(self.queued["running"], 420.0, 1000.0, "order 420"),
            Advance(self.queued["stopping"], 7.5, None, ""),
        ]
        Progress.objects.note(far)
        stats = json.dumps(statistics(self.queued["running"], self.queued["stopping"]))
        Incarnation.objects.filter(pk=self.clusters["lively"]).update(stats=stats)

    def fill_queue(self) -> None:
        put = self._put
        put("waiting", chain=self.chain, waits_for=self.queued["running"], state=TaskState.WAITING)
        put("last step", chain=self.chain, waits_for=self.queued["waiting"], state=TaskState.WAITING)
        for number in range(4):
            put(f"ready {number}", group=GROUP, priority=number)
        put("later", state=TaskState.DEFERRED, run_after=Later(7200))
        put("overdue", state=TaskState.DEFERRED, run_after=Later(-300))
        put("unserved", queue="reports")
        put("again", requeued_from=self.failed["failed"], key="only-one")
        put("unknown", func="shop.tasks.no_such_function")
        put("hook", kind=TaskKind.HOOK, options=json.dumps({"task": self.succeeded["alone"]}))
        errors = [
            {
                "at": clock.now().isoformat(),
                "reason": reason,
                "error": f"ValueError: {reason} of <code>{ADD}</code>",
                "started": clock.epoch() - 30,
                "stopped": clock.epoch() - 28.5,
                "worker": "web-1.example.com:4712",
            }
            for reason in ("error", "timeout", "lost", "unknown")
        ]
        put("retried", state=TaskState.DEFERRED, run_after=Later(60))
        OrmQ.objects.filter(pk=self.queued["retried"]).update(attempts=2, crashes=1, errors=json.dumps(errors[:3]))
        OrmQ.objects.filter(pk=self.queued["unknown"]).update(errors=json.dumps(errors[3:]))

    def _put(self, name: str, **columns: Any) -> None:
        self.queued[name] = factories.put(SECRET, name=name, **{"func": ECHO, **columns})


def _outcome(envelope: Any, ending: Ending) -> Outcome:
    moment = clock.epoch()
    error, text = ("ValueError: it does not work", _long_traceback()) if ending is Ending.FAILED else ("Ended.", "")
    report = Report(moment - 2.5, moment, error=error, traceback=text, worker="web-1.example.com:4712")
    return Outcome(envelope.id, envelope.token, ending, report)


def _long_traceback() -> str:
    """Return the traceback of a function that went deep and then met something with a cause."""

    def descend(depth: int) -> None:
        if depth:
            descend(depth - 1)
        else:
            json.loads("{<script>alert(1)</script>")

    try:
        try:
            descend(12)
        except ValueError as error:
            raise RuntimeError("a consequence in a line that is " + "very " * 60 + "long") from error
    except RuntimeError:
        return traceback.format_exc()


def statistics(first: str, second: str) -> dict[str, Any]:
    """Return what a cluster of three workers that run two tasks says of itself."""
    running = [[first], [], [second]]
    workers = [
        {"pid": 5000 + number, "running": [ECHO] * len(ids), "tasks": ids, "given": len(ids)}
        for number, ids in enumerate(running)
    ]
    return {
        "state": "working",
        "started": clock.now().isoformat(),
        "workers": workers,
        "processes": {"pusher": [4712], "monitor": [4713], "keeper": [4714]},
        "backlog": 3,
        "held": 2,
        "memory": {str(pid): 48_000 + pid for pid in (4711, 4712, 4713, 4714, 5000, 5001, 5002)},
        "replaced": {"recycled": 4, "worker": 1},
        "succeeded": 1200,
        "not_succeeded": 7,
    }


def everything() -> int:
    """Return how many rows there are, in the queue and in the history."""
    return OrmQ.objects.count() + Task.objects.count()
