"""Write the example data of the demonstration."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from django_q.examples.experimenteditor.models import (
    CANCommand,
    CANGenCommand,
    ECUUpdate,
    Experiment,
    ObservableQuantity,
    OneTimeSSSCommand,
)

EXPERIMENTS = {
    "full stop from 30 km/h": [
        ("0", "SetThrottle(1)", "80"),
        ("4", "SetThrottle(1)", "0"),
        ("4.5", "SetBrakePressure(2)", "60, 60"),
        ("6.5", "EndExperiment(0)", ""),
    ],
    "governor at 20 km/h": [
        ("0", "SetGovernorSpeed(1)", "20"),
        ("0.5", "SetThrottle(1)", "100"),
        ("5", "SetThrottle(1)", "0"),
        ("8", "EndExperiment(0)", ""),
    ],
    "every kind of command": [
        ("0", "SetThrottle(1)", "60"),
        ("6", "EndExperiment(0)", ""),
    ],
}


class Command(BaseCommand):
    help = "Make the user demo (password demo) and three experiments, unless they exist."

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

    def write(self, user: Any, title: str, commands: list[tuple[str, str, str]]) -> None:
        experiment = Experiment.objects.create(created_by=user, experiment_title=title)
        for delay, name, numbers in commands:
            OneTimeSSSCommand.objects.create(
                parent_experiment=experiment, delay=delay, commandchoice=name, quantity=numbers
            )
        series = ["axlebasedvehiclespeed", "govspeed"]
        if title == "every kind of command":
            self.add_every_kind(experiment)
            series.append("vin")
        for name in series:
            ObservableQuantity.objects.create(related_experiment=experiment, name=name)

    def add_every_kind(self, experiment: Experiment) -> None:
        """Pump the brake, send a frame, make traffic, and change the memory of the controller."""
        OneTimeSSSCommand.objects.create(
            parent_experiment=experiment,
            delay="3",
            commandchoice="SetBrakePressure(2)",
            quantity="5, 5",
            repeat_count=3,
            repeat_delay="0.5",
        )
        CANCommand.objects.create(
            parent_experiment=experiment, delay="1", message_id="18FEF100", message="FFFF00FFFFFFFFFF"
        )
        CANGenCommand.objects.create(parent_experiment=experiment, delay="1.5", interface="can1", frame_limit=10)
        ECUUpdate.objects.create(parent_experiment=experiment, delay="2", type=ECUUpdate.VIN, value="1DJANG000TRUCK001")
