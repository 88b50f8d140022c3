"""What is stored: experiments with their commands, the slots they are booked for, and what their runs brought."""

from django_q.examples.experimenteditor.models.bookings import (
    REMINDER_CHOICES,
    REMINDERS,
    Booking,
    RunTask,
    Vehicle,
)
from django_q.examples.experimenteditor.models.commands import (
    CANCommand,
    CANGenCommand,
    Command,
    ECUUpdate,
    OneTimeSSSCommand,
)
from django_q.examples.experimenteditor.models.experiments import Experiment
from django_q.examples.experimenteditor.models.people import Notification, Preferences
from django_q.examples.experimenteditor.models.quantities import SERIES, ObservableQuantity
from django_q.examples.experimenteditor.models.runs import LINES_PER_PAGE, LogPage, RunResult

__all__ = [
    "LINES_PER_PAGE",
    "REMINDERS",
    "REMINDER_CHOICES",
    "SERIES",
    "Booking",
    "CANCommand",
    "CANGenCommand",
    "Command",
    "ECUUpdate",
    "Experiment",
    "LogPage",
    "Notification",
    "ObservableQuantity",
    "OneTimeSSSCommand",
    "Preferences",
    "RunResult",
    "RunTask",
    "Vehicle",
]
