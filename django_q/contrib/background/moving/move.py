"""The move as a whole."""

from django.core.management.base import CommandError

from django_q.contrib.background import options
from django_q.contrib.background.models import LABEL
from django_q.contrib.background.moving.completed import HistoryMove
from django_q.contrib.background.moving.copying import OLD_ORDERING, Plan, sign_of_old_priority
from django_q.contrib.background.moving.creators import Creators
from django_q.contrib.background.moving.functions import Functions
from django_q.contrib.background.moving.queued import QueueMove
from django_q.contrib.background.moving.tables import OldCompleted, OldPending, find, held, held_until
from django_q.management.moving.remarks import of_others, of_retention
from django_q.management.moving.report import Part, Report
from django_q.management.moving.sources import Request
from django_q.management.preconditions import require_tables

TITLE = "django-background-tasks"
EVERY_QUEUE = "*"  # among the queues of a cluster


class FromBackgroundTasks:
    """A move from django-background-tasks; CommandError where tables are missing or tasks cannot be imported."""

    def __init__(self, request: Request) -> None:
        for option, is_given in (("--trust-pickles", request.trusts_pickles), ("--name", request.cluster_name)):
            if is_given:
                raise CommandError(f"{option} means nothing to background_task: its rows hold JSON, and no signatures.")
        require_tables(request.settings.orm, LABEL)
        old = find(request.database)
        self.plan = Plan(
            old=old,
            settings=request.settings,
            batch=request.batch,
            dry_run=request.dry_run,
            functions=Functions(),
            creators=Creators(old.alias, request.settings.orm, dry_run=request.dry_run),
        )

    def refuse_leased(self) -> None:
        """Raise CommandError while rows are locked: whoever holds them would run them, too."""
        found = self._of_locks()
        if found:
            raise CommandError(
                f"{found[0]} A process_tasks of the old package runs them, or ended in the middle. Stop it, wait until "
                "then and run this again; or, if it has stopped, pass --include-leased: these rows then begin when "
                "their lock ends."
            )

    def run(self) -> Report:
        """Move what has not been moved, and return what was done; in a dry run, what would be."""
        queued, history = Part("Queued tasks"), Part("History")
        report = Report(TITLE, self.plan.old.alias, self.plan.dry_run, {"queued": queued, "history": history})
        QueueMove(self.plan, queued).run()
        HistoryMove(self.plan, history).run()
        report.remarks += [of_others("process_tasks of the old package"), *self._of_locks(), *self._of_queues()]
        report.remarks += [*self._of_order(), *self._of_retention()]
        return report

    def _of_locks(self) -> list[str]:
        rows = held(self.plan.old)
        count, newest = rows.count(), rows.exclude(locked_at=None).order_by("-locked_at").first()
        if not count:
            return []
        end = None if newest is None else held_until(newest)
        until = "" if end is None else f", the last until {end:%Y-%m-%d %H:%M:%S}"
        return [f"{count} queued rows are locked{until}."]

    def _of_queues(self) -> list[str]:
        served = self.plan.settings.queues
        there = self.plan.old.rows(OldPending).exclude(queue=None).values_list("queue", flat=True).distinct()
        others = sorted(set(there) - {*served, ""})
        if not others or EVERY_QUEUE in served:
            return []
        return [
            f"Tasks wait in queues that Q_CLUSTER['queues'] does not name: {', '.join(map(repr, others))}. "
            "No cluster runs them before one does."
        ]

    def _of_order(self) -> list[str]:
        if sign_of_old_priority() == options.sign_of_priority():
            return []
        return [
            f"{OLD_ORDERING} says another order than Q_BACKGROUND['priority_ordering']: moved rows keep the order that "
            "they had, and their priorities are shown with the other sign."
        ]

    def _of_retention(self) -> list[str]:
        rows = self.plan.old.rows(OldCompleted)
        return of_retention(
            self.plan.settings,
            lambda success, edge: rows.filter(failed_at__isnull=success, run_at__lt=edge).count(),
        )
