"""The old tables beside ours, empty before each test."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections

from django_q.contrib.user_tasks.moving.tables import OldArtifact, OldStatus
from django_q_tests.support.second_database import second_database

MODELS = (OldStatus, OldArtifact)


@pytest.fixture(scope="package")
def old_tables(django_db_setup, django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            for model in MODELS:
                editor.create_model(model)
        yield
        with connection.schema_editor() as editor:
            for model in reversed(MODELS):
                editor.delete_model(model)


@pytest.fixture
def move(old_tables, db) -> Callable[..., dict[str, Any]]:
    """Move from django-user-tasks and return the report."""

    def run(*options: str) -> dict[str, Any]:
        output = io.StringIO()
        left = False
        try:
            call_command("qmigrate_from", "user_tasks", "--json", *options, stdout=output)
        except SystemExit as stop:
            assert stop.code == 1
            left = True
        report = json.loads(output.getvalue())
        assert report["left"] == report["tasks"]["left"] + report["artifacts"]["left"]
        assert left == bool(report["left"])
        return dict(report)

    return run


@pytest.fixture
def another_database(db, tmp_path) -> Iterator[str]:
    """The alias of a second database, which is empty."""
    with second_database(tmp_path) as alias:
        yield alias


@pytest.fixture
def tables_elsewhere(another_database) -> str:
    """The alias of a second database, which has the old tables and those of users."""
    call_command("migrate", "auth", database=another_database, verbosity=0)
    with connections[another_database].schema_editor() as editor:
        for model in MODELS:
            editor.create_model(model)
    return another_database
