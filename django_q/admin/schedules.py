"""The schedules: when each is due, what became of its last run, and the means to make, change, pause and run them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from django_q.admin import display
from django_q.admin.actions import Deed, Verdict, run, tried
from django_q.admin.filters import LATELY
from django_q.admin.pages import ReadOnlyAdmin, dated
from django_q.exceptions import ClusterError
from django_q.models import Failure, Schedule, Success, Task
from django_q.tasks import schedules
from django_q.tasks.firing import run_now


def _run(rows: list[Schedule], alias: str) -> Iterator[Verdict]:
    return (tried(row, run_now, ClusterError) for row in rows)


def _pause(rows: list[Schedule], alias: str) -> Iterator[Verdict]:
    for row in rows:
        paused = Schedule.objects.using(alias).filter(pk=row.pk).pause()
        yield row, "" if paused else gettext("it was paused before.")


def _resume(rows: list[Schedule], alias: str) -> Iterator[Verdict]:
    for row in rows:
        try:
            resumed = Schedule.objects.using(alias).filter(pk=row.pk).resume()
        except ClusterError as error:
            yield row, str(error)
        else:
            yield row, "" if resumed else gettext("it was not paused.")
    schedules.tell_clusters()


RUN = Deed(
    name="run_selected",
    question=_("Run these schedules now? When they are due next does not change."),
    button=_("Yes, run them"),
    done=_("Enqueued"),
    flag=ADDITION,
    perform=_run,
    label=_("Run now"),
    suits=bool,
)
PAUSE = Deed(
    name="pause_selected",
    question=_("Pause these schedules? Nothing is enqueued until they are resumed, and nothing of it was missed then."),
    button=_("Yes, pause them"),
    done=_("Paused"),
    flag=CHANGE,
    perform=_pause,
    label=_("Pause"),
    suits=lambda row: row.paused_at is None,
)
RESUME = Deed(
    name="resume_selected",
    question=_("Resume these schedules? They are due again from now on."),
    button=_("Yes, resume them"),
    done=_("Resumed"),
    flag=CHANGE,
    perform=_resume,
    label=_("Resume"),
    suits=lambda row: row.paused_at is not None,
)


ACTIVE = pgettext_lazy("state of a schedule", "active")
PAUSED = pgettext_lazy("state of a schedule", "paused")
OVER = pgettext_lazy("state of a schedule", "over")


class ScheduleForm(forms.ModelForm):
    """A schedule as it is written by hand, checked as :func:`~django_q.tasks.schedule` checks it."""

    class Meta:
        model = Schedule
        fields = (
            "name", "func", "args", "kwargs", "hook", "options", "cluster", "schedule_type", "minutes", "cron",
            "next_run", "repeats", "time_zone", "catch_up", "intended_date_kwarg",
        )  # fmt: skip
        widgets = {name: forms.Textarea(attrs={"rows": 2, "cols": 80}) for name in ("args", "kwargs", "options")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django puts both inputs of a moment behind one heading, and gives neither a label.
        names = (_("Date of the next run"), _("Time of the next run"))
        for part, name in zip(self._parts_of_moment(), names, strict=False):
            part.attrs["aria-label"] = name

    def _parts_of_moment(self) -> Sequence[forms.Widget]:
        field = self.fields.get("next_run")  # who may only look has none
        return () if field is None else getattr(field.widget, "widgets", ())

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        wrong = schedules.problems(given.get("func"), given.get("hook"), given.get("options"))
        if wrong:
            raise ValidationError(wrong)
        return given


class PausedFilter(admin.SimpleListFilter):
    """Schedules that are due again, and those that are not."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("active", ACTIVE), ("paused", PAUSED), ("over", OVER)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> QuerySet[Schedule]:
        if self.value() == "active":
            return queryset.filter(paused_at=None).exclude(repeats=0)
        if self.value() == "paused":
            return queryset.exclude(paused_at=None)
        return queryset.filter(repeats=0) if self.value() == "over" else queryset


class ClusterFilter(admin.SimpleListFilter):
    """Schedules of one cluster; the choices are those of the newest rows."""

    title = _("cluster")
    parameter_name = "cluster"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = model_admin.get_queryset(request).order_by("-pk").values_list("cluster", flat=True)
        return [(name, name) for name in sorted(set(filter(None, newest[:LATELY])))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> QuerySet[Schedule]:
        return queryset.filter(cluster=self.value()) if self.value() else queryset


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """Schedules can be made and changed; what clusters write about them cannot."""

    form = ScheduleForm
    ordering = ("next_run",)
    actions = ("run_selected", "pause_selected", "resume_selected")
    deeds = {deed.name: deed for deed in (RUN, PAUSE, RESUME)}
    search_fields = ("name", "func")
    search_help_text = _("The beginning of a name or function.")
    list_filter = (PausedFilter, "schedule_type", "next_run", ClusterFilter)
    list_display = (
        "label", "func", "rule", "due", "condition", "last_result", "missed", "repeats_left", "cluster",
    )  # fmt: skip
    readonly_fields = ("next_five", "condition", "last_result", "began", "missed", "missed_list")
    fieldsets = (
        (None, {"fields": ["name", "func", "args", "kwargs", "hook"]}),
        (_("When"), {"fields": ["schedule_type", "minutes", "cron", "next_run", "repeats", "time_zone"]}),
        (_("How"), {"fields": ["cluster", "options", "catch_up", "intended_date_kwarg"]}),
        (_("What becomes of it"), {"fields": list(readonly_fields)}),
    )

    # Rights -----------------------------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    # Rows -------------------------------------------------------------------------------------------------------------

    def complete(self, rows: list[Schedule]) -> list[Schedule]:
        """Give the rows their last tasks, in one query."""
        ids = [row.task for row in rows if row.task]
        columns = ("name", "success", "stopped")
        found = Task.objects.using(self.alias).order_by().only(*columns).in_bulk(ids) if ids else {}
        for row in rows:
            vars(row)["ended"] = found.get(row.task or "")
        return rows

    def prepare(self, request: HttpRequest, rows: list[Schedule]) -> list[Schedule]:
        sight = self.sight(request)
        for row in self.complete(rows):
            vars(row)["sight"] = sight
        return rows

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        obj.error = ""
        obj.save(using=self.alias)

    # Actions ----------------------------------------------------------------------------------------------------------

    @admin.action(permissions=["change"], description=_("Run selected %(verbose_name_plural)s now"))
    def run_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        """Enqueue them once more."""
        return run(self, request, queryset, RUN)

    @admin.action(permissions=["change"], description=_("Pause selected %(verbose_name_plural)s"))
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        """Keep them from being due."""
        return run(self, request, queryset, PAUSE)

    @admin.action(permissions=["change"], description=_("Resume selected %(verbose_name_plural)s"))
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        """Let them be due again."""
        return run(self, request, queryset, RESUME)

    began = dated("fired_at", _("last enqueued at"))

    # What is shown ----------------------------------------------------------------------------------------------------

    @admin.display(description=_("name"), ordering="name")
    def label(self, row: Schedule) -> str:
        """Return the name, or the number of one without."""
        return row.name or f"#{row.pk}"

    @admin.display(description=_("rule"), ordering="schedule_type")
    def rule(self, row: Schedule) -> str:
        """Return how often it runs."""
        if row.schedule_type == Schedule.CRON:
            return row.cron or display.EMPTY
        if row.schedule_type == Schedule.MINUTES:
            return _every(row.minutes or 1)
        return str(row.get_schedule_type_display())

    @admin.display(description=_("repeats"), ordering="repeats")
    def repeats_left(self, row: Schedule) -> str:
        """Return how many runs are left."""
        return gettext("for ever") if row.repeats < 0 else str(row.repeats)

    @admin.display(description=_("state"))
    def condition(self, row: Schedule) -> SafeString:
        """Return whether it will be due, and why not."""
        if row.error:
            return display.badge(display.shortened(row.error, 200), "bad")
        if row.paused_at is not None:
            return display.badge(PAUSED, "quiet")
        if row.repeats == 0 or row.next_run is None:
            return display.badge(OVER, "quiet")
        return display.badge(ACTIVE, "good")

    @admin.display(description=_("next run"), ordering="next_run")
    def due(self, row: Schedule) -> SafeString | str:
        """Return when it is due, in words."""
        if row.next_run is None or row.paused_at is not None or row.repeats == 0:
            return display.EMPTY
        return display.age(row.next_run)

    @admin.display(description=_("last run"))
    def last_result(self, row: Schedule) -> SafeString | str:
        """Return how the task that it enqueued last ended."""
        task: Task | None = vars(row).get("ended")
        if task is None:
            return gettext("not ended") if row.task else display.EMPTY
        name = vars(row)["sight"].link(Success if task.success else Failure, task.pk, task.name)
        return format_html("{} {}", display.ending("succeeded" if task.success else "error"), name)

    get_last_run = last_result  # as Django Q calls the column, and the one that follows

    @admin.display(description=_("success"), boolean=True)
    def get_success(self, row: Schedule) -> bool | None:
        """Return whether the task that it enqueued last succeeded, None while it has not ended."""
        task: Task | None = vars(row).get("ended")
        return None if task is None else task.success

    @admin.display(description=_("next five runs"))
    def next_five(self, row: Schedule) -> SafeString | str:
        """Return the next five due moments in words, in the time zone of the schedule."""
        if row._state.adding:
            return display.EMPTY
        try:
            moments = row.next_runs(5)
        except ClusterError as error:
            return display.notice(str(error))
        return display.lines(map(_in_words, moments))

    @admin.display(description=_("moments that were missed"))
    def missed_list(self, row: Schedule) -> SafeString | str:
        """Return the newest due moments that did not run."""
        return display.lines(map(_in_words, reversed(row.missed_moments())))


def _in_words(moment: datetime) -> str:
    """Return a moment with its weekday, its time zone and how far it is."""
    return f"{date_format(moment, 'l, Y-m-d H:i:s')} {moment.tzname()} ({display.distance(moment)})"


def _every(minutes: int) -> str:
    if minutes == 1:
        return gettext("every minute")
    return ngettext("every %(minutes)d minute", "every %(minutes)d minutes", minutes) % {"minutes": minutes}
