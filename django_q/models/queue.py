"""The queue: one row per task or hook that has not ended, and the only verbs that change its state."""

import json
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_q.exceptions import PayloadError
from django_q.kernel.ids import new_token
from django_q.kernel.states import TRANSITIONS, Event, TaskKind, TaskState
from django_q.models.dialects import dialect_for
from django_q.models.dialects.base import CLAIMED_COLUMNS, QUEUE, Pair, Rows, Terms, parts
from django_q.models.fields import SignedPickleField
from django_q.models.indexes import SparseIndex
from django_q.models.installed import app_label
from django_q.models.labels import KINDS, STATES

# What a row that is put in says; every other column starts at its default.
NEW_COLUMNS = (
    "id", "kind", "queue", "state", "priority", "run_after", "enqueued_at", "name", "func", "group", "hook", "args",
    "kwargs", "serializer", "options", "chain", "waits_for", "key", "requeued_from",
)  # fmt: skip
# What ``claimed_by`` says of a hook that runs in the process that enqueued its task, and for how long it is believed.
INLINE = "inline"
INLINE_LEASE = 3600.0  # seconds
# Pairs of id and token in one condition: SQLite limits how deep an expression may be.
_PAIRS = 100
# Columns that have no default in the database.
_STARTING = {"attempts": 0, "crashes": 0, "rescues": 0, "errors": "", "generation": 0}


class OrmQQuerySet(models.QuerySet["OrmQ"]):
    """The verbs of the queue. Each is guarded by the transition table and says how many rows it changed."""

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        """Insert new rows (NEW_COLUMNS each) in one statement, stamped by the database's clock."""
        starting = tuple(_STARTING.values())
        dialect_for(self.db).insert(QUEUE, (*NEW_COLUMNS, *_STARTING), [(*row, *starting) for row in rows])

    def claim(
        self,
        limit: int,
        *,
        queues: Iterable[str],
        incarnation: str,
        generation: int,
        among: Sequence[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Lease up to ``limit`` ready rows to a living incarnation, of tasks only those ``among`` these ids unless
        that is None. No row is leased twice."""
        sql, token = dialect_for(self.db), new_token()
        rows: Rows = []
        for queue in queues:
            if len(rows) < limit:
                rows += sql.claim(limit - len(rows), Terms(queue, incarnation, generation, token, among))
        return [{"token": token, **dict(zip(CLAIMED_COLUMNS, row, strict=True))} for row in rows]

    def take(self, pairs: Sequence[Pair]) -> Rows:
        """Remove the rows whose id and token match and return their TAKEN_COLUMNS: the first half of the move."""
        return dialect_for(self.db).take(pairs) if pairs else []

    def held(self, pairs: Iterable[Pair]) -> list["OrmQ"]:
        """Lock and return the claimed rows whose id and token match, without their payloads."""
        tokens = dict(list(pairs))  # a list: the pairs may be the keys of a mapping
        rows = self.select_for_update().filter(pk__in=list(tokens), state=TaskState.CLAIMED).defer("args", "kwargs")
        return [row for row in rows if row.token == tokens[row.pk]]

    def move(self, event: Event, **changes: Any) -> int:
        """Apply an event to those of the rows that may take it. Return how many did."""
        sources, target = TRANSITIONS[event]
        rows = self.filter(state__in=sources)
        if target is None:
            # Not delete(): where somebody listens to its signals, that deletes by primary key, without the guard.
            return rows._raw_delete(self.db) or 0
        return rows.update(state=target, **changes)

    def give_up_claim(self, event: Event, **changes: Any) -> int:
        """Apply an event that ends a claim, so that its token is worth nothing from now on."""
        return self.move(event, token=None, claimed_by=None, running_since=None, **changes)

    def deferred(self) -> "OrmQQuerySet":
        """Return the rows whose time has not come."""
        return self.filter(state=TaskState.DEFERRED, run_after__isnull=False)  # each has one, which the index must know

    def promote(self) -> int:
        """Make the rows ready whose time has come."""
        return self.filter(run_after__lte=dialect_for(self.db).now_expression()).move(Event.PROMOTE)

    def next_due(self) -> float | None:
        """Return in how many seconds the next deferred row is due (negative: overdue), None if there is none."""
        now = dialect_for(self.db).now_expression()
        deferred = self.deferred().annotate(now=now).order_by("run_after")
        row = deferred.values_list("run_after", "now").first()
        return None if row is None else (row[0] - row[1]).total_seconds()

    def is_overdue(self) -> bool:
        """Is there a deferred row that is due, and that no keeper has made ready yet?"""
        due = self.next_due()
        return due is not None and due <= 0

    def may_run(self, prefix: str = "") -> models.Q:
        """Return the condition on what may be claimed now, for rows that refer to those of the queue by a prefix."""
        ready = models.Q(**{f"{prefix}state": TaskState.READY})
        if not self.is_overdue():
            return ready
        now = dialect_for(self.db).now_expression()
        return ready | models.Q(**{f"{prefix}state": TaskState.DEFERRED, f"{prefix}run_after__lte": now})

    def mark_running(self, pairs: Iterable[Pair]) -> int:
        """Write that these claims have been running for a while."""
        now = dialect_for(self.db).now_expression()
        unmarked = self.filter(state=TaskState.CLAIMED, running_since=None)
        changed = 0
        for part in parts(list(pairs), _PAIRS):
            claims = reduce(or_, (models.Q(pk=id, token=token) for id, token in part))
            changed += unmarked.filter(claims).update(running_since=now)
        return changed

    def request_stop(self) -> int:
        """Ask the clusters that hold these rows to stop them."""
        claimed = self.filter(state=TaskState.CLAIMED, stop_requested_at=None)
        return claimed.update(stop_requested_at=dialect_for(self.db).now_expression())

    def change_priority(self, priority: Any) -> int:
        """Give those of the rows that nobody has claimed another priority (or an expression for one). Return how many
        there were."""
        return self.exclude(state=TaskState.CLAIMED).update(priority=priority)

    def reschedule(self, run_after: Any) -> int:
        """Choose another moment (or an expression for one) for those of the rows that nobody has claimed and that wait
        for nothing else. Return how many there were. One that is over makes them due at once."""
        return self.move(Event.RESCHEDULE, run_after=run_after)

    def discard(self) -> int:
        """Take those of the rows out of the queue that nobody has claimed, without a trace. Return how many there were.

        Not for steps of a chain: what waits for them would wait for ever.
        """
        return self.move(Event.CANCEL)

    def leave_to(self, queue: str) -> int:
        """Put those of the rows that nobody has claimed into another queue. Return how many there were."""
        return self.exclude(state=TaskState.CLAIMED).update(queue=queue)

    def orphans(self, *, incarnation: str, generations: Iterable[int], known: Iterable[str]) -> "OrmQQuerySet":
        """Return what pushers of these generations claimed and the ledger does not know."""
        return self.filter(claimed_by=incarnation, generation__in=list(generations)).exclude(pk__in=list(known))

    def abandoned_inline(self) -> "OrmQQuerySet":
        """Return the hooks that a process claimed for itself and did not finish in an hour: no cluster watches."""
        long_ago = dialect_for(self.db).later_expression(-INLINE_LEASE)
        return self.filter(claimed_by=INLINE, enqueued_at__lt=long_ago)

    def named(self, id_or_name: str) -> "OrmQQuerySet":
        """Return the row with this id, else those with this name."""
        return self.exclude(kind=TaskKind.HOOK).filter(models.Q(pk=id_or_name) | models.Q(name=id_or_name))


class OrmQ(models.Model):
    """A task or hook that has not ended."""

    id = models.CharField(_("id"), primary_key=True, max_length=32, editable=False)
    kind = models.SmallIntegerField(_("kind"), choices=KINDS, default=0)
    queue = models.CharField(_("queue"), max_length=100)
    state = models.SmallIntegerField(_("state"), choices=STATES)
    priority = models.SmallIntegerField(_("priority"), default=0, help_text=_("Greater first."))
    run_after = models.DateTimeField(_("run after"), null=True, blank=True)
    enqueued_at = models.DateTimeField(_("enqueued at"))
    name = models.CharField(_("name"), max_length=100)
    func = models.CharField(_("function"), max_length=255)
    group = models.CharField(_("group"), max_length=100, null=True, blank=True)
    hook = models.CharField(_("hook"), max_length=255, null=True, blank=True)
    args = SignedPickleField(_("arguments"), null=True, editable=False)
    kwargs = SignedPickleField(_("keyword arguments"), null=True, editable=False)
    serializer = models.CharField(_("serializer"), max_length=20, default="pickle")
    options = models.TextField(
        _("options"), blank=True, default="", help_text=_("JSON of what was asked for beyond defaults.")
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0, help_text=_("Runs that ended in an error."))
    crashes = models.PositiveIntegerField(_("crashes"), default=0, help_text=_("Runs whose process died."))
    rescues = models.PositiveIntegerField(_("rescues"), default=0, help_text=_("Takeovers from a cluster that died."))
    errors = models.TextField(_("errors"), blank=True, default="", help_text=_("JSON list, the newest last."))
    claimed_by = models.CharField(_("claimed by"), max_length=32, null=True, blank=True)
    generation = models.PositiveIntegerField(_("pusher generation"), default=0)
    token = models.CharField(_("token"), max_length=32, null=True, blank=True)
    running_since = models.DateTimeField(_("running since"), null=True, blank=True)
    stop_requested_at = models.DateTimeField(_("stop requested at"), null=True, blank=True)
    chain = models.CharField(_("chain"), max_length=32, null=True, blank=True)
    waits_for = models.CharField(_("waits for"), max_length=32, null=True, blank=True)
    key = models.CharField(_("key"), max_length=190, null=True, blank=True, unique=True)
    requeued_from = models.CharField(_("requeued from"), max_length=32, null=True, blank=True)

    objects = OrmQQuerySet.as_manager()

    class Meta:
        app_label = app_label()
        db_table = QUEUE
        verbose_name = _("queued task")
        verbose_name_plural = _("queued tasks")
        indexes = [
            models.Index(fields=["queue", "state", "-priority", "id"], name="django_q_claim"),
            SparseIndex(fields=["state", "run_after"], name="django_q_due"),
            SparseIndex(fields=["claimed_by"], name="django_q_owner"),
            models.Index(fields=["name"], name="django_q_name"),
            SparseIndex(fields=["waits_for"], name="django_q_waits"),
            SparseIndex(fields=["chain"], name="django_q_chain"),
        ]
        permissions = [("cancel_task", _("Can cancel tasks"))]

    def __str__(self) -> str:
        return self.name

    def task_id(self) -> str:
        """Return the id, under the name that Django Q gave it."""
        id: str = self.pk
        return id

    def q_options(self) -> dict[str, Any]:
        """Return what was asked for beyond defaults."""
        return json.loads(self.options) if self.options else {}

    @property
    def task(self) -> dict[str, Any]:
        """Return what Django Q calls the package; of one that cannot be read, the id tells the error."""
        try:
            call = {"args": self.args, "kwargs": self.kwargs}
        except PayloadError as error:
            return {"id": f"*{type(error).__name__}"}
        known = {name: getattr(self, name) for name in ("id", "name", "func", "group", "hook")}
        return {**known, **call, "started": self.enqueued_at, "cluster": self.queue, **self.q_options()}
