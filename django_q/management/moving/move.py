"""The move as a whole: queue, history and schedules, in the order in which they depend on one another."""

from datetime import timedelta

from django.core.management.base import CommandError

from django_q import conf
from django_q.conf import DAY
from django_q.kernel import clock
from django_q.management.moving.history import HistoryMove
from django_q.management.moving.plan import Plan, in_settings_form
from django_q.management.moving.queued import QueueMove, leased
from django_q.management.moving.report import Report
from django_q.management.moving.schedules import ScheduleMove
from django_q.management.moving.tables import OldTask

#: Brokers of Django Q whose queue is not in the database.
_ELSEWHERE = ("redis", "django_redis", "sqs", "iron_mq", "mongo", "disque_nodes")

STOPPED = (
    "No old cluster may run any more, and this cannot see whether one does. The old rows stay as they are, untouched, "
    "until you drop their tables."
)
TRUST = (
    "Arguments, results and errors of the history are pickles without a signature: reading them runs whatever those "
    "who wrote them put there. If nobody but your own clusters could write to these tables, run this again with "
    "--trust-pickles; it then fills them in."
)


def move(plan: Plan) -> Report:
    """Move what has not been moved, and return what was done; in a dry run, what would be."""
    report = Report(plan.old.era, plan.old.alias, plan.dry_run)
    queue = QueueMove(plan, report.queued)
    queue.run()
    # After the queue: a failure whose task waits to be retried is no end.
    HistoryMove(plan, report.history, queue.absorbed).run()
    ScheduleMove(plan, report.schedules).run()
    report.remarks += [STOPPED, *_of_payloads(report), *_of_leases(plan), *_of_brokers(), *_of_retention(plan)]
    return report


def refuse_leased(plan: Plan) -> None:
    """Raise CommandError while packages are leased: whoever holds them would run them, too."""
    count, until = leased(plan)
    if count:
        raise CommandError(
            f"{count} queued rows are leased until {until:%Y-%m-%d %H:%M:%S}: an old cluster runs them, or they failed "
            "and wait to be run again. Stop the old clusters, wait until then and run this again; or, if they have "
            "stopped, pass --include-leased: these rows then begin when their lease ends."
        )


def _of_payloads(report: Report) -> list[str]:
    return [TRUST] if any(text.startswith("without arguments") for text in report.history.notes) else []


def _of_leases(plan: Plan) -> list[str]:
    count, until = leased(plan)
    return [f"{count} queued rows are leased, the last until {until:%Y-%m-%d %H:%M:%S}."] if count else []


def _of_brokers() -> list[str]:
    named = [name for name in _ELSEWHERE if name in conf.raw()]
    if not named:
        return []
    return [f"Q_CLUSTER names {named[0]!r}: what waits there is not in the database. Let the old cluster run it first."]


def _of_retention(plan: Plan) -> list[str]:
    remarks = []
    for success, name in ((True, "keep_successes"), (False, "keep_failures")):
        kept = getattr(plan.settings, name)
        if kept is None:
            continue
        edge = in_settings_form(clock.now() - timedelta(seconds=kept))
        count = plan.old.rows(OldTask).filter(success__in=(success,), stopped__lt=edge).count()
        if count:
            remarks.append(
                f"{count} {'successes' if success else 'failures'} ended longer ago than Q_CLUSTER[{name!r}] keeps "
                f"them ({kept / DAY:g} days): clusters delete them here within minutes. Set it to None to keep them."
            )
    return remarks
