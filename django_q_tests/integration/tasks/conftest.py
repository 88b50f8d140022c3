"""What several tests of this folder need."""

import pytest
from django.db import connections

from django_q.brokers import current_broker


@pytest.fixture
def rung(monkeypatch):
    """The queues that were announced."""
    queues = []
    monkeypatch.setattr(current_broker(), "announce", queues.extend)
    return queues


@pytest.fixture
def other(tmp_path):
    """The alias of a second database."""
    connections.databases["other"] = {
        **connections.databases["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path / "other.sqlite3"),
        "OPTIONS": {},
    }
    connections["other"].connect()
    yield "other"
    connections["other"].close()
    del connections["other"]
    del connections.databases["other"]
