"""Schedules: calls that are enqueued again and again, each with the next moment at which it is due."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timezone, tzinfo
from keyword import iskeyword
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils import timezone as django_timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_q import conf
from django_q.exceptions import ClusterError
from django_q.kernel import callables, clock, literals, recurrence
from django_q.kernel.cron import Cron
from django_q.kernel.recurrence import Recurrence
from django_q.models.dialects import dialect_for
from django_q.models.installed import app_label
from django_q.models.labels import MISSED_RUNS
from django_q.models.task import Task

FOREVER = -1
_REMEMBERED = 20  # missed moments that a row names


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """The verbs of schedules."""

    def active(self) -> "ScheduleQuerySet":
        """Return those that will be due again."""
        return self.filter(paused_at=None, next_run__isnull=False).exclude(repeats=0)

    def due(self, limit: int) -> "list[Schedule]":
        """Lock and return up to so many that are due, the longest overdue first, without those that others lock."""
        sql = dialect_for(self.db)
        skips = sql.connection.features.has_select_for_update_skip_locked
        rows = self.active().filter(next_run__lte=sql.now_expression()).annotate(now=sql.now_expression())
        return list(rows.order_by("next_run", "pk").select_for_update(skip_locked=skips)[:limit])

    def next_due(self) -> float | None:
        """Return in how many seconds the next one is due (negative: overdue), None if none will be."""
        now = dialect_for(self.db).now_expression()
        row = self.active().annotate(now=now).order_by("next_run").values_list("next_run", "now").first()
        return None if row is None else (row[0] - row[1]).total_seconds()

    def pause(self) -> int:
        """Keep these from being due; return how many were not paused before."""
        return self.filter(paused_at=None).update(paused_at=dialect_for(self.db).now_expression())

    def resume(self) -> int:
        """Let these be due again, from now on: what passed meanwhile was not missed. Return how many were paused."""
        resumed = 0
        for each in self.exclude(paused_at=None):
            moment = each.next_run
            if moment is not None and aware(moment) <= clock.now():  # one that lies ahead may be the first of all
                following = each.following(clock.now())
                moment = moment if following is None else in_settings_form(following)
            resumed += self.filter(pk=each.pk).update(paused_at=None, next_run=moment)
        return resumed


def problem(field: str, check: Callable[[Any], object], value: Any) -> dict[str, str]:
    """Return what is wrong with a field's value, if a check says so."""
    try:
        check(value)
    except ClusterError as error:
        return {field: str(error)}
    return {}


class Schedule(models.Model):
    """A call that is enqueued whenever it is due."""

    ONCE = recurrence.ONCE
    MINUTES = recurrence.MINUTES
    HOURLY = recurrence.HOURLY
    DAILY = recurrence.DAILY
    WEEKLY = recurrence.WEEKLY
    BIWEEKLY = recurrence.BIWEEKLY
    MONTHLY = recurrence.MONTHLY
    BIMONTHLY = recurrence.BIMONTHLY
    QUARTERLY = recurrence.QUARTERLY
    YEARLY = recurrence.YEARLY
    CRON = recurrence.CRON
    TYPE = (
        (ONCE, _("Once")),
        (MINUTES, _("Minutes")),
        (HOURLY, _("Hourly")),
        (DAILY, _("Daily")),
        (WEEKLY, _("Weekly")),
        (BIWEEKLY, _("Biweekly")),
        (MONTHLY, _("Monthly")),
        (BIMONTHLY, _("Bimonthly")),
        (QUARTERLY, _("Quarterly")),
        (YEARLY, _("Yearly")),
        (CRON, _("Cron")),
    )

    name = models.CharField(_("name"), max_length=100, null=True, blank=True, unique=True)
    func = models.CharField(_("function"), max_length=255, help_text=_("Dotted path, for example shop.tasks.report."))
    hook = models.CharField(_("hook"), max_length=255, null=True, blank=True, help_text=_("Dotted path."))
    args = models.TextField(
        _("arguments"), blank=True, default="", help_text=_("For example: 1, 'two', date(2026, 1, 31)")
    )
    kwargs = models.TextField(
        _("keyword arguments"), blank=True, default="", help_text=_("For example: x=1, name='Jo'")
    )
    options = models.TextField(
        _("options"), blank=True, default="", help_text=_("Of the task, as keywords: timeout=60, priority=5")
    )
    schedule_type = models.CharField(_("schedule type"), max_length=2, choices=TYPE, default=ONCE)
    minutes = models.PositiveIntegerField(
        _("minutes"), null=True, blank=True, validators=[MinValueValidator(1)], help_text=_("For the type Minutes.")
    )
    repeats = models.IntegerField(
        _("repeats"), default=FOREVER, help_text=_("-1 for ever; 0 never again; else so many runs are left.")
    )
    next_run = models.DateTimeField(_("next run"), null=True, blank=True, default=django_timezone.now)
    cron = models.CharField(
        _("cron"), max_length=100, null=True, blank=True, help_text=_("For example: 0 9 * * mon-fri")
    )
    cluster = models.CharField(
        _("cluster"), max_length=100, null=True, blank=True, help_text=_("The queue it goes to.")
    )
    task = models.CharField(_("last task"), max_length=32, null=True, blank=True, editable=False)
    intended_date_kwarg = models.CharField(
        _("intended date keyword"), max_length=100, null=True, blank=True,
        help_text=_("The keyword in which the function gets the moment it was due."),
    )  # fmt: skip
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, default="")
    catch_up = models.CharField(
        _("missed runs"), max_length=4, blank=True, default="", choices=MISSED_RUNS,
        help_text=_("What becomes of them; empty: as Q_CLUSTER says."),
    )  # fmt: skip
    anchor = models.DateTimeField(null=True, blank=True, editable=False, help_text=_("From which periods are counted."))
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True, editable=False)
    fired_at = models.DateTimeField(_("last run"), null=True, blank=True, editable=False)
    missed = models.PositiveIntegerField(_("missed runs so far"), default=0, editable=False)
    missed_runs = models.TextField(blank=True, default="", editable=False, help_text=_("JSON list, the newest last."))
    error = models.TextField(_("error"), blank=True, default="", editable=False)

    objects = models.Manager.from_queryset(ScheduleQuerySet)()

    class Meta:
        app_label = app_label()
        db_table = "django_q_timetable"
        verbose_name = _("scheduled task")
        verbose_name_plural = _("scheduled tasks")
        ordering = ("next_run",)
        indexes = [models.Index(fields=["next_run"], name="django_q_next_run")]

    def __str__(self) -> str:
        return self.name or self.func

    # What it may hold -------------------------------------------------------------------------------------------------

    def clean(self) -> None:
        """See that all fields hold what can be run, and together. Raises ValidationError that names each field."""
        wrong: dict[str, str] = {}
        for field, check in _CHECKS:
            if getattr(self, field):
                wrong |= problem(field, check, getattr(self, field))
        if self.schedule_type == self.CRON and not self.cron:
            wrong["cron"] = str(_("A schedule of the type Cron needs an expression: 0 9 * * mon-fri, for example."))
        if self.schedule_type == self.MINUTES and not self.minutes:
            wrong["minutes"] = str(_("A schedule of the type Minutes needs their number."))
        keyword = self.intended_date_kwarg or "valid"
        if not keyword.isidentifier() or iskeyword(keyword):
            wrong["intended_date_kwarg"] = str(_("This is not the name of a keyword."))
        if self.repeats is not None and self.repeats < FOREVER:
            wrong["repeats"] = str(_("Write -1 for ever, or a number of runs."))
        if wrong:
            raise ValidationError(wrong)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store it; a new cron schedule begins with its next moment, and one that was moved counts from there."""
        if self._state.adding and self.schedule_type == self.CRON and self.cron and not self._has_chosen_moment():
            following = self.following(clock.now())
            self.next_run = None if following is None else in_settings_form(following)
        if self.next_run is not None and self.next_run != self.__dict__.get("_counted_to"):
            self.anchor = self.next_run
            if kwargs.get("update_fields") is not None and "next_run" in kwargs["update_fields"]:
                kwargs["update_fields"] = {*kwargs["update_fields"], "anchor"}
        super().save(*args, **kwargs)
        self._counted_to = self.next_run

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> "Schedule":
        instance = super().from_db(*args, **kwargs)
        instance._counted_to = instance.__dict__.get("next_run")
        return instance

    def _has_chosen_moment(self) -> bool:
        """Does it begin later than the default, which is now?"""
        return self.next_run is not None and aware(self.next_run) > clock.now()

    # When it is due ---------------------------------------------------------------------------------------------------

    def zone(self) -> tzinfo:
        """Return the time zone that its times on the wall are in."""
        return recurrence.zone_of(self.time_zone) if self.time_zone else conf.current().zone

    def recurrence(self) -> Recurrence:
        """Return its rule. Raises :exc:`~django_q.exceptions.InvalidValue` for one that cannot be read."""
        anchor = self.anchor or self.next_run
        return Recurrence(
            kind=self.schedule_type,
            anchor=clock.now() if anchor is None else aware(anchor),
            zone=self.zone(),
            minutes=self.minutes or 1,
            cron=Cron.parse(self.cron or "") if self.schedule_type == self.CRON else None,
        )

    def following(self, moment: datetime) -> datetime | None:
        """Return the first due moment after this one, aware and in UTC; None if there is none."""
        return self.recurrence().after(moment)

    def next_runs(self, number: int = 5) -> list[datetime]:
        """Return its next due moments, in its time zone."""
        if self.next_run is None or self.paused_at is not None or self.repeats == 0:
            return []
        rule, moment = self.recurrence(), aware(self.next_run)
        found: list[datetime] = []
        most = number if self.repeats < 0 else min(number, self.repeats)
        following: datetime | None = moment
        while following is not None and len(found) < most:
            found.append(following.astimezone(rule.zone))
            following = rule.after(following)
        return found

    def calculate_next_run(self, next_run: datetime | None = None) -> datetime | None:
        """Return the due moment that follows this one, or ``next_run`` of the row, as Django stores moments."""
        start = next_run or self.next_run
        following = self.following(clock.now() if start is None else aware(start))
        return None if following is None else in_settings_form(following)

    # What became of it ------------------------------------------------------------------------------------------------

    def last_task(self) -> Task | None:
        """Return the task that it enqueued last, if that has ended."""
        return Task.objects.using(conf.current().orm).filter(pk=self.task).first() if self.task else None

    def success(self) -> bool | None:
        """Tell whether the task that it enqueued last succeeded; None if that has not ended or left no row."""
        found = self.last_task()
        return None if found is None else found.success

    def last_run(self) -> str | None:
        """Return a link to the page of the task that it enqueued last; None if there is none."""
        found = self.last_task()
        if found is None:
            return None
        try:
            page = reverse(f"admin:django_q_{'success' if found.success else 'failure'}_change", args=[found.pk])
        except NoReverseMatch:  # the project has no admin
            return found.name
        return format_html('<a href="{}">[{}]</a>', page, found.name)

    def missed_moments(self) -> list[datetime]:
        """Return the due moments that were not run, the newest twenty at most, in its time zone."""
        found = json.loads(self.missed_runs) if self.missed_runs else []
        return [datetime.fromisoformat(each).astimezone(self.zone()) for each in found]

    def remember_missed(self, moments: Sequence[datetime], total: int) -> None:
        """Note due moments that were not run; ``total`` counts those too that are not named."""
        found = json.loads(self.missed_runs) if self.missed_runs else []
        found += [moment.astimezone(timezone.utc).isoformat() for moment in moments]
        self.missed, self.missed_runs = self.missed + total, json.dumps(found[-_REMEMBERED:])


def aware(moment: datetime) -> datetime:
    """Return a stored moment with its time zone."""
    return django_timezone.make_aware(moment) if django_timezone.is_naive(moment) else moment


def in_settings_form(moment: datetime) -> datetime:
    """Return an aware moment as Django stores it."""
    return moment if settings.USE_TZ else django_timezone.make_naive(moment)


_CHECKS = (
    ("func", callables.normalize),
    ("hook", callables.normalize),
    ("args", literals.read_args),
    ("kwargs", literals.read_kwargs),
    ("options", literals.read_kwargs),
    ("cron", Cron.parse),
    ("time_zone", recurrence.zone_of),
)
