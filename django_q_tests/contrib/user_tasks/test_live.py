"""What live pages may ask: who gets which answer, what a stream tells, and what a page holds without scripts."""

import json
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import translation

from django_q.contrib.user_tasks import live
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.web import events

pytestmark = [pytest.mark.once, pytest.mark.django_db]
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def site(settings, monkeypatch):
    settings.ROOT_URLCONF, settings.LOGIN_URL = "my_app.urls", "login"
    # The thread cannot see what a test has not committed.
    monkeypatch.setattr(live.watcher.circle, "_begin", lambda: None)
    with connection_kept(monkeypatch):
        yield
    assert len(live.watcher.circle) == 0, "somebody still watches"


@contextmanager
def connection_kept(monkeypatch):
    """Keep the connection of the test, which a stream that is left half-way would close: the client sees to that for
    answers only that it has read to their ends."""
    monkeypatch.setattr("django.test.client.close_old_connections", lambda **_: None)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def row():
    ann = User.objects.create_user("ann")
    for name, *rights in (("tim", "view"), ("sue", "view", "cancel"), ("bob",)):
        staff = User.objects.create_user(name, is_staff=name != "bob")
        names = [f"{right}_usertaskstatus" for right in rights]
        staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    return UserTaskStatus.objects.create(user=ann, task_id="1", name="Export", total_steps=4)


def come(name, **options):
    """Return the browser of somebody, of nobody if there is no name."""
    client = Client(**{"wsgi.multithread": True, **options})
    if name:
        client.force_login(User.objects.get(username=name))
    return client


def url(name, uuid):
    return reverse(f"user_tasks_live:{name}", args=[uuid])


@contextmanager
def listening(client, row, headers=None):
    """Open a stream, and leave it as a server does."""
    response = client.get(url("events", row.uuid), headers=headers or {})
    try:
        yield response
    finally:
        response.close()


# --- who gets which answer -----------------------------------------------------------------------------------------

WHO = {"ann": (200, 200), "sue": (200, 200), "tim": (200, 403), "bob": (404, 404), "": (403, 403)}


@pytest.mark.parametrize("name", WHO)
def test_each_gets_what_he_may(row, name):
    to_look, to_cancel = WHO[name]
    client = come(name)

    assert client.get(url("status", row.uuid)).status_code == to_look
    with listening(client, row) as stream:
        assert stream.status_code == to_look
    assert client.post(url("cancel", row.uuid)).status_code == to_cancel
    row.refresh_from_db()
    assert (row.state == "Canceled") is (to_cancel == 200)


@pytest.mark.parametrize("name", ["ann", ""])
def test_what_does_not_exist_is_answered_as_what_may_not_be_seen(row, name):
    client, status = come(name), 404 if name else 403
    asked = [
        client.get(url("status", uuid4())),
        client.get(url("events", uuid4())),
        client.post(url("cancel", uuid4())),
    ]

    assert [answer.status_code for answer in asked] == [status] * 3
    hidden = come("bob" if name else "").get(url("status", row.uuid))
    assert hidden.content == asked[0].content


def test_each_address_has_its_method(row):
    client = come("ann")

    assert client.post(url("status", row.uuid)).status_code == 405
    assert client.post(url("events", row.uuid)).status_code == 405
    assert client.get(url("cancel", row.uuid)).status_code == 405
    assert client.head(url("status", row.uuid)).status_code == 200


def test_a_site_that_wants_a_login_everywhere_still_answers_scripts(row, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]

    assert come("").get(url("status", row.uuid)).status_code == 403


def test_a_snapshot_says_what_this_reader_may(row):
    UserTaskArtifact.objects.create(status=row, text="Text")

    own, watched = come("ann").get(url("status", row.uuid)), come("tim").get(url("status", row.uuid))

    assert own.json()["may_cancel"] is True and own.json()["artifacts"][0]["text"] == "Text"
    assert watched.json()["may_cancel"] is False and watched.json()["artifacts"] == []
    assert "no-store" in own["Cache-Control"] and "private" in own["Cache-Control"]


def test_nobody_cancels_for_another_by_a_forged_form(row):
    client = come("ann", enforce_csrf_checks=True)

    assert client.post(url("cancel", row.uuid)).status_code == 403
    row.refresh_from_db()
    assert row.state == "Pending"


@pytest.mark.parametrize(
    ("page", "place"), [("/courses/?page=2", "/courses/?page=2"), ("https://evil.example/", None), ("//evil", None)]
)
def test_a_form_leads_back_to_its_page_and_nowhere_else(row, page, place):
    answer = come("ann").post(url("cancel", row.uuid), {"next": page})

    assert answer.get("Location") == place
    assert answer.status_code == (302 if place else 200)


# --- what a stream tells -------------------------------------------------------------------------------------------


def parse(text):
    """Return the events of a part of a stream, each as its fields."""
    parts = [part for part in text.decode().split("\n\n") if part and not part.startswith(("retry:", ":"))]
    return [dict(line.split(": ", 1) for line in part.split("\n")) for part in parts]


def test_a_stream_tells_what_is_and_each_change_and_ends_with_the_task(row):
    with listening(come("ann"), row) as stream:
        parts = iter(stream.streaming_content)
        (first,) = parse(next(parts))
        row.start()
        row.increment_completed_steps(3)
        live.watcher.circle.look()
        (second,) = parse(next(parts))
        row.succeed()
        live.watcher.circle.look()
        (last,) = parse(next(parts))
        assert next(parts, None) is None

    assert {first["event"], second["event"], last["event"]} == {"snapshot"}
    told = [json.loads(event["data"]) for event in (first, second, last)]
    assert [each["percent"] for each in told] == [0, 75, 100]
    assert [each["is_final"] for each in told] == [False, False, True]


def test_who_comes_back_is_not_told_again(row):
    client = come("ann")
    with listening(client, row) as stream:
        (event,) = parse(next(iter(stream.streaming_content)))
    seen = {"Last-Event-ID": event["id"]}

    with listening(client, row, seen) as stream:
        assert parse(next(iter(stream.streaming_content))) == []
    row.set_state("Exporting")
    with listening(client, row, seen) as stream:
        (event,) = parse(next(iter(stream.streaming_content)))
    assert json.loads(event["data"])["state"] == "Exporting"


def test_who_has_seen_the_end_is_told_to_stay_away(row):
    client = come("ann")
    row.succeed()
    with listening(client, row) as stream:
        (event,) = parse(b"".join(stream))

    assert client.get(url("events", row.uuid), headers={"Last-Event-ID": event["id"]}).status_code == 204


def test_a_stream_says_that_its_row_is_gone(row):
    with listening(come("ann"), row) as stream:
        parts = iter(stream.streaming_content)
        next(parts)
        row.delete()
        live.watcher.circle.look()

        assert parse(next(parts)) == [{"event": "gone", "data": "{}"}]
        assert next(parts, None) is None


def test_a_stream_speaks_the_language_of_the_request(row, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]

    with translation.override("en"), listening(come("ann"), row, {"Accept-Language": "pl"}) as stream:
        (event,) = parse(next(iter(stream.streaming_content)))

    assert json.loads(event["data"])["state_text"] == "Oczekuje"


def test_one_stream_too_many_is_refused(row, settings):
    settings.USER_TASKS = {"wsgi_streams": 1}
    client = come("ann")

    with listening(client, row):
        refused = client.get(url("events", row.uuid))

    assert (refused.status_code, refused["Retry-After"]) == (503, str(events.RETRY_AFTER))
    with listening(client, row) as stream:
        assert stream.status_code == 200


def test_a_server_without_threads_streams_nothing(row):
    assert come("ann", **{"wsgi.multithread": False}).get(url("events", row.uuid)).status_code == 503


# --- what a page holds ---------------------------------------------------------------------------------------------


def render(row, arguments="", **context):
    source = "{% load django_q_user_tasks %}{% user_task_assets %}{% user_task status " + arguments + " %}"
    return Template(source).render(Context({"status": row, **context}))


def asked_by(name):
    request = RequestFactory().get("/courses/?page=2")
    request.user = User.objects.get(username=name)
    return {"request": request, "user": request.user, "csrf_token": "a token"}


def test_a_page_shows_how_a_task_stands_without_a_script(row):
    row.set_state(SCRIPT)
    row.set_name(SCRIPT)
    row.increment_completed_steps(1)

    text = render(row, **asked_by("ann"))

    assert SCRIPT not in text and "&lt;script&gt;" in text
    assert 'value="25"' in text and "25 %" in text
    assert f'src="/user_tasks/{row.uuid}/"' in text
    assert f'action="/user_tasks/{row.uuid}/cancel/"' in text
    assert 'name="csrfmiddlewaretoken" value="a token"' in text
    assert 'name="next" value="/courses/?page=2"' in text
    assert "user-task.js" in text and "user-task.css" in text and "style=" not in text


def test_the_button_is_for_those_who_may_cancel_and_for_what_has_not_ended(row):
    assert "<form" not in render(row, **asked_by("tim"))
    assert "<form" not in render(row)
    without = render(row, "cancel=False", **asked_by("ann"))
    assert "<form" not in without and " no-cancel" in without

    row.succeed()

    text = render(row, **asked_by("ann"))
    assert "<form" not in text and 'data-state="succeeded"' in text


def test_a_page_shows_what_a_task_made(row):
    UserTaskArtifact.objects.create(status=row, name="Export", text=SCRIPT)
    UserTaskArtifact.objects.create(status=row, name="Site", url="https://example.com/")
    row.succeed()

    text = render(row, **asked_by("ann"))

    assert "&lt;script&gt;" in text and '<a href="https://example.com/">Site</a>' in text
