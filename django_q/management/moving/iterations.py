"""The items of Django Q's iterations: when all of one are here, a row that collects them is written, too."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from django_q.brokers import current_broker
from django_q.engine import gathering
from django_q.engine.gathering import ITEMS
from django_q.exceptions import ClusterError
from django_q.kernel.states import TaskKind, TaskState
from django_q.management.moving.packages import Package
from django_q.management.moving.plan import Plan, in_settings_form
from django_q.management.moving.report import Part
from django_q.models import Moved, OrmQ, Task
from django_q.tasks import options
from django_q.tasks.enqueue import announce, draft

COLLECTED = "an iteration of async_iter() whose items all wait: its id is that of the task that collects their results"
SCATTERED = (
    "an iteration of async_iter() of which some items had ended, or cannot be moved: the results of the former were in "
    "the cache of Django Q; those that are here run as tasks of the group with its id"
)


@dataclass(slots=True)
class _Iteration:
    """An iteration, and what of it was seen in the old queue."""

    item: Package  # one of them
    queue: str
    keys: list[str] = field(default_factory=list)  # of the marks of its items

    @property
    def is_whole(self) -> bool:
        return len(self.keys) == self.item.iteration


@dataclass(slots=True)
class Iterations:
    """Remembers items while they are moved; their marks stay incomplete until the iteration is."""

    plan: Plan
    part: Part
    _found: dict[str, _Iteration] = field(default_factory=dict)  # by the id of the whole

    def remember(self, package: Package, queue: str, key: str) -> None:
        """Note an item that is here, now or from an earlier run."""
        whole = package.options["group"]
        self._found.setdefault(whole, _Iteration(package, queue)).keys.append(key)

    def collect(self) -> None:
        """Write the collecting row of each iteration whose items are all here."""
        for whole, iteration in self._found.items():
            is_collected = iteration.is_whole and (self.plan.dry_run or self._collect(whole, iteration))
            self.part.note(COLLECTED if is_collected else SCATTERED, whole)

    def _collect(self, whole: str, iteration: _Iteration) -> bool:
        alias = self.plan.alias
        with transaction.atomic(using=alias):
            Moved.objects.using(alias).complete(iteration.keys)
            # The queue first: an item that ends meanwhile is then found in the history.
            queued = OrmQ.objects.using(alias).filter(group=whole)
            ended = Task.objects.using(alias).filter(group=whole)
            if queued.update(chain=whole) + ended.update(chain=whole) != iteration.item.iteration:
                transaction.set_rollback(True, using=alias)
                return False
            OrmQ.objects.using(alias).put([self._row(whole, iteration)])
            if gathering.release(alias, [whole]):
                announce(current_broker(), iteration.queue, alias)
        return True

    def _row(self, whole: str, iteration: _Iteration) -> tuple[Any, ...]:
        item = iteration.item
        given = options.parse({"cluster": iteration.queue, **_of_the_whole(item)})
        marks = {ITEMS: item.iteration}
        made = draft(
            whole, item.func, (self._calls(whole),), item.kwargs, given, self.plan.settings, marks, is_call=False
        )
        made.place(
            kind=TaskKind.GATHER.value, state=TaskState.WAITING.value, enqueued_at=in_settings_form(item.started)
        )
        return made.row

    def _calls(self, whole: str) -> list[tuple[Any, ...]]:
        """Return the arguments of all items in the order in which their results are collected."""
        found: dict[str, Any] = {}
        for model in (OrmQ, Task):
            found |= {row.pk: row.args for row in model.objects.using(self.plan.alias).filter(chain=whole)}
        return [found[pk] for pk in sorted(found)]


def is_item(package: Package) -> bool:
    """Is it an item of an iteration that can be told from others?"""
    whole = package.options.get("group")
    return bool(package.iteration) and isinstance(whole, str) and len(whole) == 32


def _of_the_whole(item: Package) -> dict[str, Any]:
    """Return what is to become of the results as a whole: ``cached`` of an item only says that it is one."""
    try:
        return {"cached": options.checked("cached", item.iter_cached)} if item.iter_cached else {}
    except ClusterError:
        return {}
