"""Brokers as projects write them for Django Q: with the documented verbs only."""

import os
import uuid
from pathlib import Path

from django_q.brokers import Broker
from django_q.brokers.orm import ORM


class Spool(Broker):
    """Tickets are files of a directory, which a reader renames to make them its own."""

    @staticmethod
    def get_connection(list_key=None):
        folder = Path(os.environ["DJANGO_Q_TEST_SPOOL"]) / list_key
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def enqueue(self, task):
        name = uuid.uuid4().hex
        (self.connection / f"{name}.new").write_text(task)
        os.rename(self.connection / f"{name}.new", self.connection / f"{name}.ticket")
        return name

    def dequeue(self):
        found = []
        for path in sorted(self.connection.glob("*.ticket"))[:10]:
            try:
                mine = path.rename(path.with_suffix(f".{os.getpid()}"))
            except FileNotFoundError:  # another cluster was faster
                continue
            found.append((mine, mine.read_text()))
        return found or None

    def acknowledge(self, task_id):
        task_id.unlink()

    def tickets(self):
        return sorted(self.connection.glob("*.ticket"))


class Forgetful(Spool):
    """Loses all that it is given the first time."""

    def enqueue(self, task):
        seen = self.connection / "seen"
        if not seen.exists():
            seen.touch()
            return None
        return super().enqueue(task)


class Closed(Spool):
    """Hands nothing out."""

    def dequeue(self):
        return None


class CountingORM(ORM):
    """The database, with a file that says how often it was asked."""

    def dequeue(self):
        found = super().dequeue()
        if found:
            with (Path(os.environ["DJANGO_Q_TEST_SPOOL"]) / "asked").open("a") as file:
                file.write(f"{len(found)}\n")
        return found
