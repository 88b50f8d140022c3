"""Streams through real servers, of threads and of an event loop, read by a real HTTP client."""

import json
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from uuid import uuid4

import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client

from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.web import events
from django_q_tests.support.browser import served
from django_q_tests.support.own_database import ROOT
from django_q_tests.support.viewers import until_watched

pytestmark = pytest.mark.once
HEARTBEAT = 0.2  # seconds
PATIENCE = 20.0  # seconds; what a busy machine may need, never what a test waits for


@contextmanager
def in_threads(database, settings, monkeypatch):
    """Serve the courses from threads of this process."""
    monkeypatch.setattr(events, "HEARTBEAT", HEARTBEAT)
    settings.ROOT_URLCONF, settings.LOGIN_URL = "my_app.urls", "login"
    with served(["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]) as origin:
        yield origin
        # Threads notice at their next heartbeat that nobody listens.
        until_watched(0)


@contextmanager
def in_a_loop(database, settings, monkeypatch):
    """Serve the courses from a process of its own, which has an event loop."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        command = ["daphne", "--fd", str(listening.fileno()), "django_q_tests.support.asgi:application"]
        env = database.env | {"DJANGO_SETTINGS_MODULE": "django_q_tests.settings.courses"}
        env["DJANGO_Q_TEST_HEARTBEAT"] = str(HEARTBEAT)
        server = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=env,
            pass_fds=[listening.fileno()],
            stderr=subprocess.PIPE,
        )
        try:
            # Whoever comes before it is ready waits in the queue of the socket.
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            _, said = server.communicate(timeout=PATIENCE)
    assert b"Traceback" not in said, said.decode()
    assert b"took too long to shut down" not in said, said.decode()


@pytest.fixture(params=[in_threads, in_a_loop], ids=lambda server: server.__name__)
def origin(request, own_database, settings, monkeypatch):
    with request.param(own_database, settings, monkeypatch) as address:
        yield address


@pytest.fixture
def row(own_database):
    return make_row(User.objects.create_user("ann"))


def make_row(user):
    return UserTaskStatus.objects.create(user=user, task_id=str(uuid4()), name="Export", total_steps=4)


@pytest.fixture
def listen(origin, row):
    """Open the stream of a row as its owner."""
    client = Client()
    client.force_login(row.user)
    cookies = {name: cookie.value for name, cookie in client.cookies.items()}

    def get(row, seen=""):
        headers = {"Accept-Encoding": "gzip", **({"Last-Event-ID": seen} if seen else {})}
        url = f"{origin}/user_tasks/{row.uuid}/events/"
        return closing(requests.get(url, stream=True, cookies=cookies, headers=headers, timeout=PATIENCE))

    return get


def parts(answer):
    """Yield what comes, part by part, as soon as it is there: the fields of an event, none for a comment."""
    fields = {}
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line:
            name, _, value = line.partition(": ")
            fields |= {name: value} if name and name != ":" else {}
        else:
            yield fields
            fields = {}


def next_event(told):
    return next(fields for fields in told if "event" in fields)


def test_a_stream_tells_changes_when_they_happen_and_can_be_taken_up_again(listen, row):
    with listen(row) as answer:
        told = parts(answer)
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert next(told) == {"retry": "1000"}
        assert json.loads(next_event(told)["data"])["percent"] == 0
        assert next(told) == {}, "no heartbeat"
        row.start()
        assert json.loads(next_event(told)["data"])["state"] == "In Progress"
        row.increment_completed_steps(2)
        event = next_event(told)
        assert json.loads(event["data"])["percent"] == 50

    with listen(row, event["id"]) as answer:
        told = parts(answer)
        assert [next(told), next(told)] == [{"retry": "1000"}, {}], "it was told again"
        row.succeed()
        event = next_event(told)
        assert json.loads(event["data"])["percent"] == 100
        assert list(told) == [], "it goes on after the end"

    with listen(row, event["id"]) as answer:
        assert answer.status_code == 204

    other = make_row(row.user)
    with listen(other) as answer:
        told = parts(answer)
        next_event(told)
        other.delete()
        assert next_event(told) == {"event": "gone", "data": "{}"}
        assert list(told) == [], "it goes on without a row"
