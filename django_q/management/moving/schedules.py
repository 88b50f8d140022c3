"""Move Django Q's schedules: each keeps its next moment; what cannot run is moved paused, with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from django_q.exceptions import ClusterError, InvalidValue
from django_q.kernel import clock, literals
from django_q.management.moving import writing
from django_q.management.moving.packages import split
from django_q.management.moving.plan import Plan, in_settings_form
from django_q.management.moving.reading import Row
from django_q.management.moving.report import Part
from django_q.management.moving.tables import OldSchedule
from django_q.management.moving.writing import Item
from django_q.models import Moved, Schedule
from django_q.tasks import schedules

_LONGEST_NAME = 100
_LONGEST_ID = 32
_COLUMNS = {"hook", "cluster"}
_AS_THEY_STAND = ("name", "func", "hook", "schedule_type", "minutes", "cron", "cluster", "intended_date_kwarg")
_LENGTHS = {"func": 255, "hook": 255}

PAUSED = "paused, since it cannot run as it stands; the admin shows why"
RENAMED = "another schedule has its name: it got a number, and its tasks keep the old name as their group"
OVERDUE = "its next run lies in the past: it runs as soon as a cluster looks, as catch_up says"


@dataclass(slots=True)
class ScheduleMove:
    """Moves the schedules."""

    plan: Plan
    part: Part
    _names: set[str] = field(default_factory=set)  # given away by this run

    def run(self) -> None:
        """Move all schedules, batch by batch."""
        for rows in self.plan.old.batches(OldSchedule, self.plan.batch):
            self.part.found += len(rows)
            known = Moved.objects.using(self.plan.alias).known(map(self._key, rows))
            fresh = [row for row in rows if self._key(row) not in known]
            self.part.before += len(rows) - len(fresh)
            items = [self._item(row) for row in fresh]
            refused = [] if self.plan.dry_run else writing.write(self.plan.alias, items, self._store)
            self.part.count(items, refused)

    def _key(self, row: Row) -> str:
        return f"schedule:{self.plan.old.alias}:{row['id']}"

    def _item(self, row: Row) -> Item:
        made, notes = made_from(row)
        if made.name and self._is_taken(made.name):
            _keep_group(made, made.name)
            made.name = self._free_name(made.name)
            notes.append(RENAMED)
        if made.name:
            self._names.add(made.name)
        if wrong := complaint(made):
            made.error, made.paused_at = wrong, in_settings_form(clock.now())
            notes.append(f"{PAUSED}: {wrong}")
        elif made.repeats and made.next_run is not None and made.next_run <= in_settings_form(clock.now()):
            notes.append(OVERDUE)
        return Item(self._key(row), _example(row), made, notes=notes)

    def _store(self, items: Sequence[Item]) -> None:
        # Not save(), which lets a cron schedule begin anew.
        Schedule.objects.using(self.plan.alias).bulk_create([item.content for item in items])
        if not self.plan.dry_run:
            schedules.tell_clusters()

    def _is_taken(self, name: str) -> bool:
        return name in self._names or Schedule.objects.using(self.plan.alias).filter(name=name).exists()

    def _free_name(self, name: str) -> str:
        number = 2
        while self._is_taken(numbered := f"{name[: _LONGEST_NAME - 6]} ({number})"):
            number += 1
        return numbered


def made_from(row: Row) -> tuple[Schedule, list[str]]:
    """Return the schedule that an old row becomes, unchecked, and what is different about it."""
    values = {name: row.get(name) for name in _AS_THEY_STAND}
    notes = []
    for name, length in _LENGTHS.items():
        text = values[name] or ""
        if len(text) > length:
            values[name] = text[:length]
            notes.append(f"its {name} has more than {length} characters and was cut")
    made = Schedule(
        **values,
        args=row["args"] or "",
        kwargs=row["kwargs"] or "",
        # Those of Django Q 1.3.9 count below -1 while they run for ever.
        repeats=max(row["repeats"], -1),
        next_run=None if row["next_run"] is None else in_settings_form(row["next_run"]),
        task=row["task"] if len(row["task"] or "") <= _LONGEST_ID else None,
    )
    made.anchor = made.next_run
    if made.schedule_type == Schedule.MINUTES:
        made.minutes = made.minutes or 1
    made.name = made.name or None
    notes += _take_options(made)
    return made, notes


def complaint(made: Schedule) -> str:
    """Return why a schedule cannot run; empty if it can."""
    try:
        schedules.check(made)
    except ValidationError as error:
        return " ".join(f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
    return ""


def _take_options(made: Schedule) -> list[str]:
    """Put options, which Django Q keeps among the keywords, where ours stand; what cannot be read stays as it is."""
    try:
        given, kwargs = split(literals.read_kwargs(made.kwargs))
        cluster = given.pop("cluster", None) or given.pop("broker_name", None)
        given.pop("broker_name", None)
        dropped = sorted(given.keys() & {"sync", "broker", "iter_count", "iter_cached", "chain"})
        kept = {name: value for name, value in given.items() if name not in {*dropped, *_COLUMNS} and value is not None}
        texts = literals.write_kwargs(kwargs), literals.write_kwargs(kept)
    except (ClusterError, TypeError, ValueError):
        return []
    made.cluster = made.cluster or cluster
    made.hook = made.hook or given.get("hook")
    if given:
        made.kwargs, made.options = texts
    return [f"its options {', '.join(dropped)} have no meaning here and were left out"] if dropped else []


def _keep_group(made: Schedule, group: str) -> None:
    """Let the tasks of a renamed schedule form the group that they always formed."""
    try:
        given: Mapping[str, Any] = literals.read_kwargs(made.options)
    except InvalidValue:
        return
    made.options = literals.write_kwargs({"group": group, **given})


def _example(row: Row) -> str:
    return f"{row['name'] or row['func']} ({row['id']})"
