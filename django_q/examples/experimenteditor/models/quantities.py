"""Data series: which there are, and what the logger recorded."""

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils import timezone

from django_q.examples.experimenteditor.models.experiments import Experiment
from django_q.examples.experimenteditor.models.runs import RunResult


@dataclass(frozen=True, slots=True)
class Series:
    """What the logger can tell, how people call it, and the setting that holds its address."""

    label: str
    address: str
    unit: str = ""
    plottable: bool = True  # is each value a number, or a text in hexadecimal digits?


SERIES = {
    "axlebasedvehiclespeed": Series("Axle based vehicle speed", "LOGGERIP", "km/h"),
    "govspeed": Series("Governor speed", "GOVIP", "km/h"),
    "vin": Series("Vehicle identification number", "VINIP", plottable=False),
}


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
    name = models.CharField(max_length=40, choices=[(name, series.label) for name, series in SERIES.items()])
    # JSON, since a list with commas cannot hold a text with commas.
    xdata = models.JSONField(default=list, blank=True, help_text="Moments, as Unix time.")
    ydata = models.JSONField(default=list, blank=True, help_text="Numbers, or texts in hexadecimal digits.")
    fetched_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "observable quantities"
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.get_name_display()

    @property
    def series(self) -> Series:
        return SERIES[self.name]

    @property
    def plottable(self) -> bool:
        """Can the values be drawn? Texts are shown as they are."""
        return self.series.plottable

    def store(self, xdata: list[float], ydata: list[Any]) -> None:
        """Keep what the logger recorded."""
        self.xdata, self.ydata, self.fetched_at = xdata, ydata, timezone.now()
        self.save(update_fields=["xdata", "ydata", "fetched_at"])
