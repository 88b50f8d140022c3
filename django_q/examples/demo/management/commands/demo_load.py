"""Enqueue the load of the demonstration."""

import sys
from itertools import count
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from django_q.examples.demo.load import PAUSE, check_one_round, make_schedules, run_round


class Command(BaseCommand):
    help = "Enqueues a small stream of tasks of every kind."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="One round; say how each kind ended.")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        if once:
            sys.exit(0 if check_one_round(self.stdout.write) else 1)
        make_schedules()
        for number in count():
            run_round(number, PAUSE)
