"""Experiments, the slots they are booked for, and what their runs brought."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.urls import reverse
from django.utils import timezone

from django_q.examples.experimenteditor.naming import slug_of
from django_q.examples.experimenteditor.options import span

# What the test vehicle understands, and how many numbers each command takes.
ARGUMENT_COUNTS = {"SetThrottle": 1, "SetBrakePressure": 2, "SetGovernorSpeed": 1, "EndExperiment": 0}
SERIES = {"axlebasedvehiclespeed": "Axle based vehicle speed, km/h", "govspeed": "Governor speed, km/h"}
REMINDERS = {
    "1day": timedelta(days=1),
    "1hr": timedelta(hours=1),
    "30min": timedelta(minutes=30),
    "15min": timedelta(minutes=15),
    "10min": timedelta(minutes=10),
}


class Experiment(models.Model):
    """What a user wants to try out on the vehicle."""

    exp_pk = models.AutoField(primary_key=True)
    experiment_title = models.CharField("title", max_length=256)
    experiment_created_date = models.DateTimeField("created", auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="experiments")
    is_scheduled = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ("-exp_pk",)

    def __str__(self) -> str:
        return self.experiment_title

    def get_absolute_url(self) -> str:
        return reverse("experimenteditor:experiment", args=[self.exp_pk])

    def slugify_name(self) -> str:
        """Return the name by which the devices know this experiment."""
        return slug_of(self.experiment_title, self.exp_pk)

    def get_all_commands_list(self) -> list["Command"]:
        """Return the commands in the order in which the vehicle gets them."""
        return list(self.commands.order_by("delay", "pk"))

    def has_end(self) -> bool:
        """Tell whether a command ends the experiment."""
        return self.commands.filter(name="EndExperiment").exists()

    def length(self) -> timedelta:
        """Return how long the experiment takes by its last command."""
        last = self.commands.aggregate(last=models.Max("delay"))["last"]
        return timedelta(seconds=float(last or 0))

    def newest_run(self) -> "RunResult | None":
        """Return the run with the latest start."""
        return self.runs.defer("log").order_by("-start").first()

    def has_results(self) -> bool:
        """Tell whether everything from some run has been stored."""
        return self.runs.filter(is_complete=True).exists()

    def get_results_url(self) -> str:
        """Return where the results of the newest run are; empty before the first one."""
        run = self.newest_run()
        return run.get_results_url() if run else ""


class Command(models.Model):
    """Something the vehicle does at a moment of the experiment."""

    parent_experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="commands")
    delay = models.DecimalField(max_digits=11, decimal_places=6, help_text="Seconds from the start.")
    name = models.CharField(max_length=40, choices=[(name, name) for name in ARGUMENT_COUNTS])
    arguments = models.CharField(max_length=200, blank=True, help_text="Numbers with commas between them.")

    class Meta:
        ordering = ("delay", "pk")

    def __str__(self) -> str:
        return f"{self.delay.normalize():f} s: {self.name}({self.arguments})"

    def numbers(self) -> list[float]:
        """Return the arguments as numbers."""
        return [float(number) for number in self.arguments.split(",")] if self.arguments.strip() else []

    def clean(self) -> None:
        try:
            numbers = self.numbers()
        except ValueError as error:
            raise ValidationError({"arguments": f"{self.arguments!r} are not numbers. Write 40, 60."}) from error
        wanted = ARGUMENT_COUNTS.get(self.name, 0)
        if len(numbers) != wanted:
            raise ValidationError({"arguments": f"{self.name} takes {wanted} numbers, not {len(numbers)}."})
        if self.delay is not None and self.delay < 0:
            raise ValidationError({"delay": f"{self.delay} lies before the start. Write 0 or more seconds."})


class RunQuerySet(models.QuerySet["RunResult"]):
    """Questions about the time of the vehicle."""

    def in_the_way_of(self, start: datetime, end: datetime) -> "RunQuerySet":
        """Return the booked runs that need the vehicle between these moments, with its time to get ready."""
        booked = self.filter(booking__isnull=False)
        return booked.filter(start__lt=end + span("MARGIN"), end__gt=start - span("LEAD"))


class RunResult(models.Model):
    """One run of an experiment: its slot, how far it is, and its log."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="runs")
    start = models.DateTimeField()
    end = models.DateTimeField()
    posted_at = models.DateTimeField(null=True, blank=True, help_text="When the engine had taken the experiment.")
    log = models.TextField(blank=True, default="")
    next_chunk = models.PositiveIntegerField(default=1, help_text="The part of the log to ask for next.")
    fetch_tries = models.PositiveIntegerField(default=0)
    is_complete = models.BooleanField(default=False, help_text="Is everything stored that the run brought?")
    error = models.TextField(blank=True, default="", help_text="Why there are no results, or not all of them.")

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = "experiment run"
        ordering = ("-start",)
        indexes = [models.Index(fields=["start", "end"], name="experimenteditor_slot")]

    def __str__(self) -> str:
        return f"{self.experiment} at {timezone.localtime(self.start):%Y-%m-%d %H:%M:%S}"

    def get_absolute_url(self) -> str:
        return reverse("experimenteditor:run", args=[self.pk])

    def get_results_url(self) -> str:
        """Return where the results of this run are shown."""
        return reverse("experimenteditor:results", args=[self.pk])

    def post_at(self) -> datetime:
        """Return when the engine gets the experiment."""
        return self.start - span("LEAD")

    @property
    def is_over(self) -> bool:
        """Will nothing more happen by itself?"""
        return self.is_complete or bool(self.error)

    def mark_posted(self) -> None:
        """Remember, in a statement of its own, that the engine has the experiment."""
        self.posted_at = timezone.now()
        self.save(update_fields=["posted_at"])

    def append_log(self, text: str, *, last: bool) -> bool:
        """Add the next part of the log, within the database. Return False if another process did it first."""
        rows = RunResult.objects.filter(pk=self.pk, next_chunk=self.next_chunk, is_complete=False)
        added = rows.update(log=Concat(F("log"), Value(text)), next_chunk=F("next_chunk") + 1, is_complete=last)
        self.next_chunk += 1
        return bool(added)


class Booking(models.Model):
    """The plan behind a run that is still to come; gone when its results are stored."""

    related_experiment = models.OneToOneField(Experiment, on_delete=models.CASCADE, related_name="booking")
    run = models.OneToOneField(RunResult, on_delete=models.CASCADE, related_name="booking")
    email_reminder = models.CharField(
        "reminder", max_length=5, blank=True, choices=[("", "none"), *((name, name) for name in REMINDERS)]
    )

    def __str__(self) -> str:
        return f"Booking of {self.run}"

    def remind_at(self) -> datetime | None:
        """Return when the owner is reminded, None for never."""
        before = REMINDERS.get(self.email_reminder)
        return self.run.post_at() - before if before else None

    def release(self) -> None:
        """Free the slot; the run stays."""
        Experiment.objects.filter(pk=self.related_experiment_id).update(is_scheduled=False)
        Booking.objects.filter(pk=self.pk).delete()


class ObservableQuantity(models.Model):
    """A data series to be shown: chosen for an experiment, and filled for each of its runs."""

    related_experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="quantities")
    related_run = models.ForeignKey(
        RunResult,
        on_delete=models.CASCADE,
        related_name="quantities",
        null=True,
        blank=True,
        help_text="None: a choice",
    )
    name = models.CharField(max_length=40, choices=list(SERIES.items()))
    xdata = models.JSONField(default=list, blank=True, help_text="Moments, as Unix time.")
    ydata = models.JSONField(default=list, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "observable quantities"
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.get_name_display()

    def store(self, xdata: list[float], ydata: list[float]) -> None:
        """Keep what the logger recorded."""
        self.xdata, self.ydata, self.fetched_at = xdata, ydata, timezone.now()
        self.save(update_fields=["xdata", "ydata", "fetched_at"])


class RunTask(models.Model):
    """A task that was enqueued for a run; it is canceled when this row is deleted."""

    run = models.ForeignKey(RunResult, on_delete=models.CASCADE, related_name="tasks")
    name = models.CharField(max_length=60)
    task_id = models.CharField(max_length=32, unique=True)
    due = models.DateTimeField()

    class Meta:
        ordering = ("due", "pk")

    def __str__(self) -> str:
        return self.name


class Notification(models.Model):
    """A message for a user, shown on the pages of the editor."""

    LEVELS = ("success", "info", "warning", "error")

    level = models.CharField(max_length=10, default="info", choices=[(level, level) for level in LEVELS])
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="experiment_news")
    unread = models.BooleanField(default=True)
    actor = models.CharField(max_length=256)
    verb = models.CharField(max_length=255)
    target = models.CharField(max_length=256, blank=True)
    action_object = models.CharField(max_length=256, blank=True)
    url = models.CharField(max_length=200, blank=True, help_text="Where to read more.")
    description = models.TextField(blank=True)
    timestamp = models.DateTimeField(default=timezone.now)
    public = models.BooleanField(default=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("-timestamp", "-pk")
        indexes = [models.Index(fields=["recipient", "unread"], name="experimenteditor_unread")]

    def __str__(self) -> str:
        return " ".join(filter(None, [self.actor, self.verb, self.target]))
