"""What is stored of class tasks: one row for each, whose state only the verbs of its queryset change.

Whoever runs a task holds its row by a token. A runner that was declared dead has lost its tokens, so that it can write
nothing any more.
"""

import json
import secrets
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connections, models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_q.contrib.class_tasks.states import AT_REST, ENDED, KNOWN, RUNNING, STOPPED, WAIT
from django_q.models.dialects import dialect_for

LABEL = "django_q_class_tasks"
LONGEST_ID = 190


class _Places:
    """Places in the queue: moments in microseconds, each greater than the one before in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, int(timezone.now().timestamp() * 1_000_000))
            return self._last


next_place = _Places().next


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run has ended: what is written on its row."""

    id: str
    token: str
    state: str
    output: str | None = None  # JSON


class ClassTaskQuerySet(models.QuerySet["ClassTask"]):
    """The verbs. Each is one guarded UPDATE, and says what it found."""

    # Of clients -------------------------------------------------------------------------------------------------------

    def put(self, id: str, name: str, data: str, *, cleanup: bool) -> bool:
        """Queue a task; one that waits under this id gets these data, one at rest is replaced. False: it runs."""
        said = {"name": name, "data": data, "cleanup": cleanup}
        while True:
            if self.filter(pk=id, state=WAIT).update(**said):
                return True
            rest = self.filter(pk=id, state__in=AT_REST)
            if rest.update(**said, **self._queued(), attempts=0, local=False, created=self._now):
                return True
            if self.filter(pk=id, state=RUNNING).exists():
                return False
            try:
                with transaction.atomic(using=self.db):
                    self.create(id=id, **said, place=next_place(), created=self._now)
            except IntegrityError:  # somebody else has put it in this moment
                continue
            return True

    def requeue(self, id: str, states: Collection[str] = AT_REST) -> bool:
        """Queue a task at rest again, behind the others, with its data. False: it is in none of these states."""
        chosen = [state for state in states if state in AT_REST]
        return bool(self.filter(pk=id, state__in=chosen, local=False).update(**self._queued()))

    def stop(self, id: str) -> bool:
        """Stop a task that waits; ask who runs it to stop it. False: it neither waits nor runs."""
        # Twice: it may go from one of the two states to the other between the statements.
        for _again in range(2):
            if self.filter(pk=id, state=WAIT).update(state=STOPPED, ended_at=self._now) or self.ask(id, "stop"):
                return True
        return False

    def ask(self, id: str, word: str) -> bool:
        """Leave a word for who runs a task. False: it does not run."""
        return bool(self.filter(pk=id, state=RUNNING).update(control=word, asked=F("asked") + 1))

    # Of runners -------------------------------------------------------------------------------------------------------

    def put_local(self, id: str, name: str, data: str, runner: str) -> str:
        """Write the row of a task that runs in one runner only, as running, and return its token."""
        token = secrets.token_hex(8)
        self.create(
            id=id, name=name, data=data, local=True, place=next_place(), created=self._now, state=RUNNING,
            runner=runner, token=token, attempts=1, beat_at=self._now, started_at=self._now,
        )  # fmt: skip
        return token

    def claim(self, runner: str, limit: int, names: Collection[str] | None = None) -> list["ClassTask"]:
        """Take up to so many tasks, those first that have waited longest; only of these names if they are given."""
        token = secrets.token_hex(8)
        chosen = self.filter(state=WAIT) if names is None else self.filter(state=WAIT, name__in=names)
        if connections[self.db].features.has_select_for_update_skip_locked:
            with transaction.atomic(using=self.db):
                ids = chosen.select_for_update(skip_locked=True).order_by("place", "pk").values_list("pk", flat=True)
                taken = self._take(list(ids[:limit]), runner, token)
        else:
            taken = self._take(list(chosen.order_by("place", "pk").values_list("pk", flat=True)[:limit]), runner, token)
        return list(self.filter(runner=runner, token=token, state=RUNNING).order_by("place", "pk")) if taken else []

    def _take(self, ids: Sequence[str], runner: str, token: str) -> int:
        if not ids:
            return 0
        return self.filter(pk__in=ids, state=WAIT).update(
            state=RUNNING, runner=runner, token=token, beat_at=self._now, started_at=self._now, ended_at=None,
            attempts=F("attempts") + 1, control="", output=None,
        )  # fmt: skip

    def beat(self, runner: str) -> int:
        """Give a sign of life for all tasks that a runner runs; return how many they are."""
        return self.filter(runner=runner, state=RUNNING).update(beat_at=self._now)

    def held(self, runner: str) -> dict[str, str]:
        """Return the tasks that a runner runs, each with its token."""
        return dict(self.filter(runner=runner, state=RUNNING).values_list("pk", "token"))

    def asked_of(self, runner: str) -> list[tuple[str, str, int]]:
        """Return what was asked of a runner: ids, words, and the number of each word."""
        rows = self.filter(runner=runner, state=RUNNING).exclude(control="")
        return list(rows.values_list("pk", "control", "asked"))

    def answer(self, id: str, number: int) -> None:
        """Take back a word that was heard, unless another has come since."""
        self.filter(pk=id, asked=number).update(control="")

    def finish(self, ending: Ending) -> bool:
        """Write how a run has ended. False: its runner does not hold the task any more."""
        held = self.filter(pk=ending.id, token=ending.token, state=RUNNING)
        return bool(held.update(state=ending.state, output=ending.output, **self._released(ending.state)))

    def release(self, held: Iterable[tuple[str, str]], state: str) -> int:
        """Let go of many tasks without an output, by their ids and tokens; return of how many.

        To wait is no state for a local task: its row is deleted. Nor is it for one that was asked to stop meanwhile.
        """
        pairs = list(held)
        mine = self.filter(pk__in=[id for id, _ in pairs], token__in={token for _, token in pairs}, state=RUNNING)
        count = 0
        if state == WAIT:
            count += mine.filter(local=True).delete()[0]
            count += mine.filter(control="stop").update(state=STOPPED, **self._released(STOPPED))
        return count + mine.update(state=state, **self._released(state))

    # Of the monitor and the cleanup -----------------------------------------------------------------------------------

    def stale(self, seconds: float) -> list["ClassTask"]:
        """Return tasks whose runner has given no sign of life for so long."""
        return list(self._stale(seconds).defer("data", "output")[:1000])

    def take_from_the_dead(self, row: "ClassTask", seconds: float, state: str) -> bool:
        """Let go of a task whose runner is dead; a local one is deleted. False: it lives, or somebody was faster."""
        held = self._stale(seconds).filter(pk=row.pk, token=row.token)
        return bool(held.delete()[0] if row.local else held.update(state=state, **self._released(state)))

    def _stale(self, seconds: float) -> "ClassTaskQuerySet":
        old = dialect_for(self.db).later_expression(-seconds)
        return self.filter(state=RUNNING).filter(Q(beat_at__lt=old) | Q(beat_at=None))

    def end_queue(self) -> "ClassTaskQuerySet":
        """Return the tasks that have ended and are to be cleaned up."""
        return self.filter(state__in=ENDED, cleanup=True)

    def take_ended(self, cleaner: str, retry: float, limit: int) -> list["ClassTask"]:
        """Take tasks to be cleaned up that nobody has, or that somebody has had for longer than so many seconds."""
        old = dialect_for(self.db).later_expression(-retry)
        free = self.end_queue().filter(Q(runner=None) | Q(beat_at__lt=old))
        token = secrets.token_hex(8)
        ids = list(free.order_by("ended_at").values_list("pk", flat=True)[:limit])
        # One by one: two cleaners that lock many rows, each in its own order, could wait for each other.
        taken = [id for id in ids if free.filter(pk=id).update(runner=cleaner, token=token, beat_at=self._now)]
        return list(self.filter(pk__in=taken, token=token).order_by("ended_at"))

    def drop_old(self, seconds: float, limit: int = 1000) -> int:
        """Delete tasks to be cleaned up that ended longer ago than so many seconds; return how many."""
        old = dialect_for(self.db).later_expression(-seconds)
        ids = list(self.end_queue().filter(ended_at__lt=old).values_list("pk", flat=True)[:limit])
        return self.end_queue().filter(pk__in=ids).delete()[0]

    # ------------------------------------------------------------------------------------------------------------------

    @property
    def _now(self) -> Any:
        return dialect_for(self.db).now_expression()

    def _queued(self) -> dict[str, Any]:
        """Return what stands on a row that has just been queued."""
        return {
            "state": WAIT, "place": next_place(), "output": None, "runner": None, "token": "", "control": "",
            "beat_at": None, "started_at": None, "ended_at": None,
        }  # fmt: skip

    def _released(self, state: str) -> dict[str, Any]:
        """Return what stands on a row that nobody holds any more."""
        return {"runner": None, "token": "", "control": "", "ended_at": None if state == WAIT else self._now}


class ClassTask(models.Model):
    """A class task: what it is, and what has become of it."""

    id = models.CharField(_("id"), primary_key=True, max_length=LONGEST_ID)
    name = models.CharField(_("name"), max_length=190)
    data = models.TextField(_("data"), default="{}", help_text=_("JSON"))
    state = models.CharField(_("state"), max_length=16, default=WAIT, choices=[(state, state) for state in KNOWN])
    output = models.TextField(_("output"), null=True, blank=True, help_text=_("JSON"))
    cleanup = models.BooleanField(_("is cleaned up"), default=True)
    local = models.BooleanField(_("local"), default=False, help_text=_("It belongs to one runner, and ends with it."))
    runner = models.CharField(_("runner"), max_length=100, null=True, blank=True)
    token = models.CharField(max_length=32, blank=True, default="", editable=False)
    control = models.CharField(_("asked"), max_length=32, blank=True, default="")
    asked = models.PositiveIntegerField(default=0, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    place = models.BigIntegerField(editable=False)
    created = models.DateTimeField(_("created"))
    beat_at = models.DateTimeField(_("last sign of life"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = models.Manager.from_queryset(ClassTaskQuerySet)()

    class Meta:
        app_label = LABEL
        db_table = "django_q_class_task"
        verbose_name = _("class task")
        verbose_name_plural = _("class tasks")
        default_permissions = ("view", "delete")
        permissions = [("control_classtask", _("Can stop, reload and restart class tasks"))]
        indexes = [
            models.Index(fields=["state", "place"], name="django_q_class_state"),
            models.Index(fields=["runner"], name="django_q_class_runner"),
            models.Index(fields=["-created"], name="django_q_class_created"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.id}"

    @property
    def value(self) -> Any:
        """The output, as an object."""
        return None if self.output is None else json.loads(self.output)

    @property
    def parameters(self) -> dict[str, Any]:
        """The data, as a dict."""
        found: dict[str, Any] = json.loads(self.data)
        return found
