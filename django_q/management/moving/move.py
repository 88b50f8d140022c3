"""The move as a whole: queue, history and schedules, in the order in which they depend on one another."""

from django.core.management.base import CommandError

from django_q import conf
from django_q.management.moving.history import HistoryMove
from django_q.management.moving.plan import RETRY, Plan
from django_q.management.moving.queued import QueueMove, leased
from django_q.management.moving.remarks import of_others, of_retention
from django_q.management.moving.report import Part, Report
from django_q.management.moving.schedules import ScheduleMove
from django_q.management.moving.sources import Request
from django_q.management.moving.tables import DJANGO_Q, DJANGO_Q2, OldTables, OldTask, find

#: Brokers of Django Q whose queue is not in the database.
_ELSEWHERE = ("redis", "django_redis", "sqs", "iron_mq", "mongo", "disque_nodes")

TRUST = (
    "Arguments, results and errors of the history are pickles without a signature: reading them runs whatever those "
    "who wrote them put there. If nobody but your own clusters could write to these tables, run this again with "
    "--trust-pickles; it then fills them in."
)


class _Move:
    """A move from Django Q or Django Q2; CommandError where the tables are not theirs."""

    name: str  # after which the command is told to move
    era: str

    def __init__(self, request: Request) -> None:
        self.plan = Plan(
            old=self._tables(request.database),
            settings=request.settings,
            name=request.cluster_name or conf.usual_name(),
            batch=request.batch,
            dry_run=request.dry_run,
            trusts_pickles=request.trusts_pickles,
            retry=_retry(),
        )

    def _tables(self, alias: str) -> OldTables:
        """Return the old tables; refuse those of the other package, whose leases mean something else."""
        found = find(alias)
        if found.era != self.era:
            right = next(each.name for each in (FromDjangoQ, FromDjangoQ2) if each.era == found.era)
            raise CommandError(
                f"The tables in {alias!r} are those of {found.era}, by their columns. Run: manage.py qmigrate_from "
                f"{right}"
            )
        return found

    def run(self) -> Report:
        """Move what has not been moved, and return what was done; in a dry run, what would be."""
        plan = self.plan
        queued, history, schedules = Part("Queued tasks"), Part("History"), Part("Schedules")
        parts = {"queued": queued, "history": history, "schedules": schedules}
        report = Report(plan.old.era, plan.old.alias, plan.dry_run, parts)
        queue = QueueMove(plan, queued)
        queue.run()
        # After the queue: a failure whose task waits to be retried is no end.
        HistoryMove(plan, history, queue.absorbed).run()
        ScheduleMove(plan, schedules).run()
        report.remarks += [
            of_others("old cluster"),
            *_of_payloads(history),
            *_of_leases(plan),
            *_of_brokers(),
            *_of_retention(plan),
        ]
        return report

    def refuse_leased(self) -> None:
        """Raise CommandError while packages are leased: whoever holds them would run them, too."""
        count, until = leased(self.plan)
        if count:
            raise CommandError(
                f"{count} queued rows are leased until {until:%Y-%m-%d %H:%M:%S}: an old cluster runs them, or they "
                "failed and wait to be run again. Stop the old clusters, wait until then and run this again; or, if "
                "they have stopped, pass --include-leased: these rows then begin when their lease ends."
            )


class FromDjangoQ(_Move):
    """A move from Django Q."""

    name, era = "django_q", DJANGO_Q


class FromDjangoQ2(_Move):
    """A move from Django Q2."""

    name, era = "django_q2", DJANGO_Q2


def _retry() -> float:
    """Return for how many seconds Django Q leases a row, as Q_CLUSTER still says or as is usual."""
    value = conf.raw().get("retry")
    return value if isinstance(value, (int, float)) else RETRY


def _of_payloads(history: Part) -> list[str]:
    return [TRUST] if any(text.startswith("without arguments") for text in history.notes) else []


def _of_leases(plan: Plan) -> list[str]:
    count, until = leased(plan)
    return [f"{count} queued rows are leased, the last until {until:%Y-%m-%d %H:%M:%S}."] if count else []


def _of_brokers() -> list[str]:
    named = [name for name in _ELSEWHERE if name in conf.raw()]
    if not named:
        return []
    return [f"Q_CLUSTER names {named[0]!r}: what waits there is not in the database. Let the old cluster run it first."]


def _of_retention(plan: Plan) -> list[str]:
    rows = plan.old.rows(OldTask)
    return of_retention(
        plan.settings, lambda success, edge: rows.filter(success__in=(success,), stopped__lt=edge).count()
    )
