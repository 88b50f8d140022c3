"""``manage.py qcheck`` as a process of its own, on databases that are in the way: closed, read-only, busy or away."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from django_q.models import OrmQ
from django_q_tests.support import databases, factories
from django_q_tests.support.own_database import ROOT, OwnDatabase
from django_q_tests.support.servers import free_port

VENDOR = connection.vendor
REFUSED = {
    "sqlite": "attempt to write a readonly database",
    "postgresql": "permission denied for table",
    "mysql": "command denied to user",
}


def qcheck(database: OwnDatabase, **changes):
    """Run it against the database, of whose settings some are changed; return exit code and findings by check."""
    url = databases.to_url({**databases.from_url(database.url), **changes})
    env = {**database.env_with(doorbell=False), "DJANGO_Q_TEST_DATABASE_URL": url}
    command = [sys.executable, "-m", "django", "qcheck", "--json"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    found = {each["check"]: each for each in json.loads(done.stdout)}
    return done.returncode, found


@pytest.fixture
def reader(own_database):
    """The settings of somebody who may read everything and write nothing."""
    name = f"dq_reader_{os.getpid()}"
    if VENDOR == "sqlite":
        yield {"NAME": f"file:{own_database.name}?mode=ro"}
        return
    if VENDOR == "postgresql":
        databases.execute(own_database.server, f"DROP ROLE IF EXISTS {name}", f"CREATE ROLE {name} LOGIN PASSWORD 'r'")
        with connection.cursor() as cursor:
            cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    else:
        make = (f"DROP USER IF EXISTS {name}@'%'", f"CREATE USER {name}@'%' IDENTIFIED BY 'r'")
        databases.execute(own_database.server, *make, f"GRANT SELECT ON `{own_database.name}`.* TO {name}@'%'")
    yield {"USER": name, "PASSWORD": "r"}
    if VENDOR == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"DROP OWNED BY {name}")
        databases.execute(own_database.server, f"DROP ROLE {name}")
    else:
        databases.execute(own_database.server, f"DROP USER {name}@'%'")


def test_a_user_who_may_only_read_is_told_which_rights_are_missing(own_database, reader):
    factories.put(1)

    code, found = qcheck(own_database, **reader)

    assert code == 2
    rights = found["rights"]
    assert rights["level"] == "error"
    for table in ("django_q_queue", "django_q_history", "django_q_incarnation", "django_q_progress"):
        assert f"INSERT in {table}, UPDATE in {table}, DELETE in {table}" in rights["seen"]
    assert REFUSED[VENDOR] in rights["seen"]
    assert rights["fix"].startswith(
        "let this user write" if VENDOR == "sqlite" else f"let the user {reader['USER']!r} SELECT, INSERT"
    )
    # What can be read is looked at all the same.
    assert found["clusters"]["level"] == "error" and found["signatures"]["level"] == "ok"
    assert OrmQ.objects.count() == 1


def test_a_database_that_cannot_be_reached_is_one_error_and_the_last_finding(own_database, tmp_path):
    changes = {"NAME": str(tmp_path / "none.sqlite3")} if VENDOR == "sqlite" else {"PORT": str(free_port())}

    code, found = qcheck(own_database, **changes)

    assert code == 2
    assert list(found)[-1] == "database"
    assert [each["check"] for each in found.values() if each["level"] == "error"] == ["database"]
    assert found["database"]["seen"].endswith("(nothing further was looked at)")
    if VENDOR == "sqlite":
        assert "which does not exist" in found["database"]["seen"]
        assert found["database"]["fix"] == "run manage.py migrate"
        assert not Path(changes["NAME"]).exists()
    else:
        assert found["database"]["seen"].startswith("'default' of Q_CLUSTER['orm'] cannot be reached: ")
        assert found["database"]["fix"] == "start its server, or mend DATABASES['default']"


@pytest.mark.skipif(VENDOR != "sqlite", reason="a file")
def test_a_file_that_is_no_database_is_an_error(own_database, tmp_path):
    (tmp_path / "letter.sqlite3").write_text("Dear database,\n" * 100)

    code, found = qcheck(own_database, NAME=str(tmp_path / "letter.sqlite3"))

    assert code == 2 and "file is not a database" in found["database"]["seen"]


@pytest.mark.skipif(VENDOR == "sqlite", reason="an empty file is the next test")
def test_a_database_without_tables_is_told_to_migrate(own_database):
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE django_migrations")

    code, found = qcheck(own_database)

    assert code == 2
    assert list(found)[-1] == "migrations" and found["migrations"]["fix"] == "run manage.py migrate"


@pytest.mark.skipif(VENDOR != "sqlite", reason="a file")
def test_an_empty_file_is_told_to_migrate_and_stays_empty(own_database, tmp_path):
    empty = tmp_path / "empty.sqlite3"
    empty.touch()

    code, found = qcheck(own_database, NAME=str(empty))

    assert code == 2
    assert found["migrations"]["seen"].startswith("not applied in 'default': django_q.0001_cluster_tables, ")
    assert empty.stat().st_size == 0


@pytest.mark.skipif(VENDOR != "sqlite", reason="one writer at a time is SQLite's")
def test_a_database_that_is_locked_is_told_as_such(own_database):
    busy = sqlite3.connect(own_database.name, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    try:
        code, found = qcheck(own_database)
    finally:
        busy.close()

    assert code == 2
    assert found["rights"]["seen"].endswith("database is locked")
    assert found["rights"]["fix"].startswith("another process holds a lock for long")


@pytest.mark.skipif(VENDOR != "postgresql", reason="a lock of a table that keeps readers out")
def test_a_table_that_is_locked_does_not_keep_the_answer_for_ever(own_database):
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE django_q_queue IN ACCESS EXCLUSIVE MODE")
    try:
        code, found = qcheck(own_database)
    finally:
        other.close()

    assert code == 2
    assert "lock timeout" in found["database"]["seen"] + found["rights"]["seen"]
