"""Experiments: what users want to try out on the vehicle."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse

from django_q.examples.experimenteditor.naming import slug_of


class Experiment(models.Model):
    """A title and a plan of commands; it is run as often as its owner books it."""

    exp_pk = models.AutoField(primary_key=True)
    experiment_title = models.CharField("title", max_length=256)
    experiment_created_date = models.DateTimeField("created", auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="experiments")
    # Is there a booking? Follows the bookings, see `receivers`.
    is_scheduled = models.BooleanField("booked", default=False, editable=False)

    class Meta:
        ordering = ("-exp_pk",)

    def __str__(self) -> str:
        return self.experiment_title

    def get_absolute_url(self) -> str:
        return reverse("experimenteditor:experiment", args=[self.exp_pk])

    def slugify_name(self) -> str:
        """Return the name by which the devices know this experiment."""
        return slug_of(self.experiment_title, self.exp_pk)

    def get_all_commands_list(self) -> list[Any]:
        """Return the commands of all kinds in the order in which the vehicle gets them."""
        kinds = (self.onetimessscommands, self.cancommands, self.cangencommands, self.ecuupdates)
        return sorted((command for kind in kinds for command in kind.all()), key=lambda command: command.delay)

    def has_end(self) -> bool:
        """Tell whether a command ends the experiment."""
        return self.onetimessscommands.filter(commandchoice__startswith="EndExperiment").exists()

    def length(self) -> timedelta:
        """Return how long the experiment takes by its last command, repetitions included."""
        return max((command.ends_after() for command in self.get_all_commands_list()), default=timedelta(0))

    def newest_run(self) -> Any:
        """Return the run with the latest start, None before the first booking."""
        return self.runs.order_by("-start").first()

    def has_results(self) -> bool:
        """Tell whether everything from some run has been stored."""
        return self.runs.filter(is_complete=True).exists()

    def get_results(self) -> Any:
        """Return the data series of the newest run."""
        run = self.newest_run()
        return run.quantities.all() if run else self.quantities.none()

    def get_results_url(self) -> str:
        """Return where the results of the newest run are; empty before the first one."""
        run = self.newest_run()
        return run.get_results_url() if run else ""
