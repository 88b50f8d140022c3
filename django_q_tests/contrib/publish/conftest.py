"""A database that all threads share, and nobody who watches it when it is gone."""

import threading

import pytest

from django_q.contrib.publish import viewing
from django_q.events import Tails
from django_q.web import watching

PATIENCE = 20  # seconds; what a busy machine may need, never what a test waits for


@pytest.fixture
def watched_database(own_database, monkeypatch):
    """A database of its own; in the end nobody watches it any more."""
    monkeypatch.setattr(viewing, "tails", Tails("default"))
    monkeypatch.setattr(watching, "_SELDOM", 0.05)
    monkeypatch.setattr(watching, "_OFTEN", 0.05)
    yield own_database
    left = len(viewing.watcher.circle)
    for thread in threading.enumerate():
        if thread.name == "watching live tasks":
            thread.join(PATIENCE)
            assert not thread.is_alive(), "it still looks"
    assert left == 0, "somebody still watches"
