"""``manage.py qmemory``: watch what hosts have left and what the processes of each cluster hold."""

from argparse import ArgumentParser
from typing import Any

from django_q.management.monitor.command import ScreenCommand
from django_q.management.monitor.seen import Tab
from django_q.management.monitor.state import State


class Command(ScreenCommand):
    """Show the memory of clusters, again and again."""

    help = (
        "Shows the memory that hosts have left and that the processes of each cluster hold, and refreshes itself; "
        "q quits. Where there is no terminal it prints one table."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--workers", action="store_true", help="Show one column for each worker.")

    def first_state(self, options: dict[str, Any]) -> State:
        return State(tabs=(Tab.MEMORY,), tab=Tab.MEMORY, by_worker=options["workers"])
