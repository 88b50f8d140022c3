"""The old tables beside ours, empty before each test."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections

from django_q.contrib.background.moving.tables import OldCompleted, OldPending
from django_q_tests.support.second_database import second_database

MODELS = (OldPending, OldCompleted)


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
    """Move from django-background-tasks and return the report."""

    def run(*options: str) -> dict[str, Any]:
        output = io.StringIO()
        left = False
        try:
            call_command("qmigrate_from", "background_task", "--json", *options, stdout=output)
        except SystemExit as stop:
            assert stop.code == 1
            left = True
        report = json.loads(output.getvalue())
        assert report["left"] == report["queued"]["left"] + report["history"]["left"]
        assert left == bool(report["left"])
        assert "schedules" not in report
        return dict(report)

    return run


@pytest.fixture
def texts() -> Callable[[list[dict[str, Any]]], str]:
    """All that a part of a report says of its rows."""
    return lambda remarks: "\n".join(f"{each['count']}: {each['text']} {each['examples']}" for each in remarks)


@pytest.fixture
def another_database(db, tmp_path) -> Iterator[str]:
    """The alias of a second database, which is empty."""
    with second_database(tmp_path) as alias:
        yield alias


@pytest.fixture
def tables_elsewhere(another_database) -> str:
    """The alias of a second database, which has the old tables and those of the kinds of objects."""
    call_command("migrate", "contenttypes", database=another_database, verbosity=0)
    with connections[another_database].schema_editor() as editor:
        for model in MODELS:
            editor.create_model(model)
    return another_database
