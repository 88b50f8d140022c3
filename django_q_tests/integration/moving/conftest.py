"""The old tables beside ours, empty before each test."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from django_q.management.moving.tables import OldQueued, OldSchedule, OldTask

MODELS = (OldTask, OldSchedule, OldQueued)


@pytest.fixture(scope="package")
def old_tables(django_db_setup, django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            for model in MODELS:
                editor.create_model(model)
        yield
        with connection.schema_editor() as editor:
            for model in MODELS:
                editor.delete_model(model)


@pytest.fixture
def move(old_tables, db) -> Callable[..., dict[str, Any]]:
    """Move from Django Q2 and return the report."""

    def run(*options: str) -> dict[str, Any]:
        output = io.StringIO()
        try:
            call_command("qmigrate_from", "django_q2", "--json", *options, stdout=output)
        except SystemExit as stop:
            assert stop.code == 1
        report = json.loads(output.getvalue())
        assert report["left"] == sum(report[part]["left"] for part in ("queued", "history", "schedules"))
        return dict(report)

    return run


@pytest.fixture
def texts() -> Callable[[list[dict[str, Any]]], str]:
    """All that a part of a report says of its rows."""
    return lambda remarks: "\n".join(f"{each['count']}: {each['text']}" for each in remarks)
