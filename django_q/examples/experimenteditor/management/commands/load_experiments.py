"""Write the example data of the demonstration."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from django_q.examples.experimenteditor.models import Command as ExperimentCommand
from django_q.examples.experimenteditor.models import Experiment, ObservableQuantity

EXPERIMENTS = {
    "full stop from 30 km/h": [
        (0, "SetThrottle", "80"),
        (4, "SetThrottle", "0"),
        (4.5, "SetBrakePressure", "60, 60"),
        (6.5, "EndExperiment", ""),
    ],
    "governor at 20 km/h": [
        (0, "SetGovernorSpeed", "20"),
        (0.5, "SetThrottle", "100"),
        (5, "SetThrottle", "0"),
        (8, "EndExperiment", ""),
    ],
}


class Command(BaseCommand):
    help = "Make the user demo (password demo) and two experiments, unless they exist."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--password", default="demo")

    @transaction.atomic
    def handle(self, *args: Any, password: str, **options: Any) -> None:
        users = get_user_model().objects
        user = users.filter(username="demo").first() or users.create_superuser("demo", "demo@example.com", password)
        for title, commands in EXPERIMENTS.items():
            if not Experiment.objects.filter(created_by=user, experiment_title=title).exists():
                self.write(user, title, commands)
        self.stdout.write(f"{Experiment.objects.count()} experiments for the user {user.get_username()}.")

    def write(self, user: Any, title: str, commands: list[tuple[float, str, str]]) -> None:
        experiment = Experiment.objects.create(created_by=user, experiment_title=title)
        for delay, name, arguments in commands:
            ExperimentCommand.objects.create(
                parent_experiment=experiment, delay=str(delay), name=name, arguments=arguments
            )
        for series in ("axlebasedvehiclespeed", "govspeed"):
            ObservableQuantity.objects.create(related_experiment=experiment, name=series)
