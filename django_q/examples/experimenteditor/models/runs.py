"""Runs: the slot of one, how far it is, and its log."""

from collections.abc import Iterator
from datetime import datetime

from django.db import models, transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from django_q.examples.experimenteditor.models.experiments import Experiment
from django_q.examples.experimenteditor.options import span

LINES_PER_PAGE = 500
_PAGES_PER_STATEMENT = 50


class RunQuerySet(models.QuerySet["RunResult"]):
    """Questions about the time of the vehicle."""

    def in_the_way_of(self, start: datetime, end: datetime) -> "RunQuerySet":
        """Return the booked runs that need the vehicle between these moments, with its time to get ready."""
        booked = self.filter(booking__isnull=False)
        return booked.filter(start__lt=end + span("MARGIN"), end__gt=start - span("LEAD"))


class RunResult(models.Model):
    """One run of an experiment: its slot, how far it is, and, in pages, its log."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="runs")
    start = models.DateTimeField()
    end = models.DateTimeField()
    sent_as = models.CharField(max_length=300, blank=True, help_text="The name by which the devices know this run.")
    post_began_at = models.DateTimeField(null=True, blank=True, help_text="Since when the engine may have it.")
    posted_at = models.DateTimeField(null=True, blank=True, help_text="When the engine had taken the experiment.")
    next_chunk = models.PositiveIntegerField(default=1, help_text="The part of the log to ask for next.")
    asked_chunk = models.PositiveIntegerField(default=0, help_text="The part of the log that was asked for last.")
    log_lines = models.PositiveBigIntegerField(default=0)
    log_is_complete = models.BooleanField(default=False)
    fetch_tries = models.PositiveIntegerField(default=0)
    is_complete = models.BooleanField(default=False, help_text="Is everything stored that the run brought?")
    error = models.TextField(blank=True, default="", help_text="Why there are no results, or not all of them.")
    reminded_of = models.DateTimeField(null=True, blank=True, help_text="The start that the reminder told.")
    told_at = models.DateTimeField(null=True, blank=True, help_text="When the mail at the end was sent.")

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

    # --- post -------------------------------------------------------------------------------------------------------

    def begin_post(self) -> bool:
        """Note that the engine gets the experiment now. False if the plan has changed, or somebody posted it before.

        The name of the first POST is kept: a title may change while the devices know the old one.
        """
        name = self.sent_as or self.experiment.slugify_name()
        rows = RunResult.objects.filter(pk=self.pk, start=self.start, end=self.end, posted_at=None)
        self.post_began_at, self.sent_as = timezone.now(), name
        return bool(rows.update(post_began_at=self.post_began_at, sent_as=name))

    def take_post_back(self) -> None:
        """Note that the engine said no: it does not have the experiment, by whatever name."""
        RunResult.objects.filter(pk=self.pk, posted_at=None).update(post_began_at=None, sent_as="")

    def mark_posted(self) -> None:
        """Remember, in a statement of its own, that the engine has the experiment."""
        self.posted_at = timezone.now()
        self.post_began_at = self.post_began_at or self.posted_at
        self.sent_as = self.sent_as or self.experiment.slugify_name()
        self.save(update_fields=["posted_at", "post_began_at", "sent_as"])

    # --- log --------------------------------------------------------------------------------------------------------

    @property
    def log(self) -> str:
        """The whole log, which can be large. Pages show ``pages``, of which each has LINES_PER_PAGE lines."""
        return "".join(self.log_parts())

    def log_parts(self) -> Iterator[str]:
        """Yield the log in pieces, for who writes it to a file."""
        yield from self.pages.order_by("number").values_list("text", flat=True).iterator(chunk_size=20)

    def ask_for_part(self) -> None:
        """Note, in a statement of its own, that the next part is being read: reading may destroy it."""
        self.asked_chunk = self.next_chunk
        RunResult.objects.filter(pk=self.pk).update(asked_chunk=self.next_chunk)

    @transaction.atomic
    def store_part(self, lines: list[str], *, last: bool) -> bool:
        """Add the next part of the log. Return False if another process did it first.

        No more is in memory than this part and the page that it goes on with.
        """
        rows = RunResult.objects.filter(pk=self.pk, next_chunk=self.next_chunk, log_is_complete=False)
        if not rows.update(next_chunk=F("next_chunk") + 1, log_lines=F("log_lines") + len(lines), log_is_complete=last):
            return False
        self.next_chunk += 1
        self.log_is_complete = last
        self._write_pages(lines)
        return True

    def _write_pages(self, lines: list[str]) -> None:
        begin, number = 0, 0
        newest = self.pages.order_by("-number").first()
        if newest is not None:
            number, begin = newest.number, LINES_PER_PAGE - newest.lines
            newest.text += "".join(lines[:begin])
            newest.lines += len(lines[:begin])
            newest.save(update_fields=["text", "lines"])
        pages = []
        for first in range(begin, len(lines), LINES_PER_PAGE):
            part = lines[first : first + LINES_PER_PAGE]
            number += 1
            pages.append(LogPage(run=self, number=number, lines=len(part), text="".join(part)))
            if len(pages) == _PAGES_PER_STATEMENT:
                LogPage.objects.bulk_create(pages)
                pages = []
        LogPage.objects.bulk_create(pages)


class LogPage(models.Model):
    """Some lines of a log: as many as a page shows, so that neither storing nor showing holds more."""

    run = models.ForeignKey(RunResult, on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField(help_text="From 1 on.")
    lines = models.PositiveIntegerField()
    text = models.TextField()

    class Meta:
        ordering = ("number",)
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="experimenteditor_log_page")]

    def __str__(self) -> str:
        return f"Page {self.number} of the log of run {self.run_id}"

    @property
    def first_line(self) -> int:
        return (self.number - 1) * LINES_PER_PAGE + 1

    @property
    def last_line(self) -> int:
        return self.first_line + self.lines - 1
