"""Bookings: the plan behind a run, the tasks that carry it out, and the one vehicle that all of them need."""

from datetime import datetime, timedelta

from django.db import connections, models, router
from django.db.models import F

from django_q.examples.experimenteditor.models.experiments import Experiment
from django_q.examples.experimenteditor.models.runs import RunResult

REMINDERS = {
    "1day": timedelta(days=1),
    "1hr": timedelta(hours=1),
    "30min": timedelta(minutes=30),
    "15min": timedelta(minutes=15),
    "10min": timedelta(minutes=10),
}
REMINDER_CHOICES = [
    ("", "no reminder"),
    ("1day", "1 day before"),
    ("1hr", "1 hour before"),
    ("30min", "30 minutes before"),
    ("15min", "15 minutes before"),
    ("10min", "10 minutes before"),
]


class Vehicle(models.Model):
    """The one vehicle. Whoever changes the plan of its time changes this row first, and so waits for the others."""

    NUMBER = 1

    changes = models.PositiveBigIntegerField(default=0, help_text="How often the plan was changed.")

    def __str__(self) -> str:
        return f"Vehicle {self.pk}"

    @classmethod
    def reserve(cls) -> None:
        """Keep all others from changing the plan until the end of this transaction.

        The write comes first in it, for SQLite: there it makes the transaction wait for the one writer at a time,
        before it has read anything that could become old.
        """
        if Vehicle.objects.filter(pk=cls.NUMBER).update(changes=F("changes") + 1):
            return
        # The first booking of all makes the row. Two of them make one: the second one waits here, and with an exclusive
        # lock from the start, since MariaDB lets those who share a lock and want more run into a deadlock.
        names_target = connections[router.db_for_write(Vehicle)].features.supports_update_conflicts_with_target
        Vehicle.objects.bulk_create(
            [Vehicle(pk=cls.NUMBER)],
            update_conflicts=True,
            update_fields=["changes"],
            unique_fields=["id"] if names_target else None,
        )


class Booking(models.Model):
    """The plan behind a run that is still to come; gone when its results are stored."""

    related_experiment = models.OneToOneField(Experiment, on_delete=models.CASCADE, related_name="booking")
    run = models.OneToOneField(RunResult, on_delete=models.CASCADE, related_name="booking")
    email_reminder = models.CharField("reminder", max_length=5, blank=True, choices=REMINDER_CHOICES)

    def __str__(self) -> str:
        return f"Booking of {self.run}"

    def remind_at(self) -> datetime | None:
        """Return when the owner is reminded, None for never."""
        before = REMINDERS.get(self.email_reminder)
        return self.run.post_at() - before if before else None


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
