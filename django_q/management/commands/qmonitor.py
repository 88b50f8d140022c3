"""``manage.py qmonitor``: watch clusters, queues, schedules and failures in a terminal."""

from argparse import ArgumentParser
from typing import Any

from django_q.management.monitor.command import ScreenCommand
from django_q.management.monitor.seen import Tab
from django_q.management.monitor.state import State

TABS = tuple(tab for tab in Tab if tab is not Tab.MEMORY)


class Command(ScreenCommand):
    """Show how it stands, again and again."""

    help = (
        "Shows clusters, running and waiting tasks, schedules, failures and throughput in a terminal, and refreshes "
        "itself; ? lists the keys, q quits. Where there is no terminal it prints one table."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--tab", choices=[tab.value for tab in TABS], default="clusters", help="What is shown first, or printed."
        )

    def first_state(self, options: dict[str, Any]) -> State:
        return State(tabs=TABS, tab=Tab(options["tab"]))
