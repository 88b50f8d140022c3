"""What running tasks tell whoever watches: ordered events, kept for a while so that those who come late read them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Max, Q
from django.utils.translation import gettext_lazy as _

from django_q.models.dialects import dialect_for
from django_q.models.dialects.base import Later, parts
from django_q.models.installed import app_label

TABLE = "django_q_event"
#: Kinds of rows that the log itself writes; others are what whoever writes calls his events.
START, END = "start", "end"

_COLUMNS = ("stream", "run", "seq", "kind", "payload", "created")
_AT_ONCE = 50  # streams that one statement asks about
_BATCH = 1000  # rows that one statement deletes


Run = tuple[str, int]  # a stream, and the number of a run of it


class EventQuerySet(models.QuerySet["Event"]):
    """The verbs of the log. Each run has one writer, who numbers its events 1, 2, 3 … without a gap."""

    def begin(self, stream: str, payload: str = "") -> int:
        """Begin a new run of a stream with a row of its own, number 0, and return the run's number: the next one."""
        while True:
            run = (self.filter(stream=stream).aggregate(newest=Max("run"))["newest"] or 0) + 1
            try:
                with transaction.atomic(using=self.db):
                    self.append([(stream, run, 0, START, payload)])
            except IntegrityError:  # another run began in this moment
                continue
            return run

    def append(self, rows: Sequence[tuple[str, int, int, str, str]]) -> None:
        """Write events (stream, run, seq, kind, payload), many to a statement, at the database's time."""
        stamped = [(*row, Later(0)) for row in rows]
        dialect_for(self.db).insert(TABLE, _COLUMNS, stamped)

    def end(self, stream: str, run: int, payload: str = "") -> bool:
        """Write the end of a run behind its last event, unless it has one. False: it had."""
        newest = self.filter(stream=stream, run=run).order_by("-seq").values_list("seq", "kind").first()
        if newest is None or newest[1] == END:
            return False
        try:
            with transaction.atomic(using=self.db):
                self.append([(stream, run, newest[0] + 1, END, payload)])
        except IntegrityError:  # its writer lives, and has written on
            return self.end(stream, run, payload)
        return True

    def newest_runs(self, streams: Collection[str]) -> dict[str, int]:
        """Return the number of the newest run of each stream that has any."""
        found: dict[str, int] = {}
        for part in parts(list(streams), _AT_ONCE):
            rows = self.filter(stream__in=part).values_list("stream").annotate(newest=Max("run")).order_by()
            found.update(rows)
        return found

    def after(self, seen: Mapping[Run, int], limit: int) -> list["Event"]:
        """Return events of these runs with numbers above those seen, each run's in order, at most ``limit``."""
        found: list[Event] = []
        for part in parts(list(seen.items()), _AT_ONCE):
            wanted = Q()
            for (stream, run), seq in part:
                wanted |= Q(stream=stream, run=run, seq__gt=seq)
            # By age: a run that is written without a pause does not keep the others waiting.
            found += self.filter(wanted).order_by("pk")[: limit - len(found)]
            if len(found) == limit:
                break
        return found

    def trim(self, stream: str, run: int, before: int) -> None:
        """Delete the events of a run with smaller numbers than this. How it began stays."""
        self.filter(stream=stream, run=run, seq__gt=0, seq__lt=before).delete()

    def prune(self, seconds: float) -> int:
        """Delete a batch of the oldest events if they are older than so many seconds; return how many rows."""
        oldest = list(self.order_by("pk").values_list("pk", flat=True)[:_BATCH])
        if not oldest:
            return 0
        # The table is written in the order of time; an index on the moment would only repeat the key.
        old = dialect_for(self.db).later_expression(-seconds)
        return self.filter(pk__in=oldest, created__lt=old).delete()[0]


class Event(models.Model):
    """One event of one run of a stream."""

    stream = models.CharField(_("stream"), max_length=200)
    run = models.PositiveIntegerField(_("run"), help_text=_("1 for the first; each attempt is a run of its own."))
    seq = models.PositiveBigIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=100)
    payload = models.TextField(_("payload"), blank=True, default="", help_text=_("JSON"))
    created = models.DateTimeField(_("created"))

    objects = models.Manager.from_queryset(EventQuerySet)()

    class Meta:
        app_label = app_label()
        db_table = TABLE
        verbose_name = _("event")
        verbose_name_plural = _("events")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["stream", "run", "seq"], name="django_q_event_place")]

    def __str__(self) -> str:
        return f"{self.stream} {self.run}.{self.seq} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: events are written by the verbs, many at once."""
        raise TypeError("Events are written by Event.objects.begin(), append() and end().")
