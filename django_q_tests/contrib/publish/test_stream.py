"""The same messages over HTTP, the tags, and a site without Channels."""

import json
import subprocess
import sys

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.test.utils import override_settings
from django.urls import include, path

from django_q.contrib.publish import viewing
from django_q.contrib.publish.views import events
from django_q.events import EventStream
from django_q_tests.contrib.publish.test_consumer import ANN, BEN, NOBODY

pytestmark = pytest.mark.once

urlpatterns = [path("site/", include("django_q.contrib.publish.urls"))]


@pytest.fixture
def database(watched_database):
    return watched_database


def ask(query, user=ANN, seen="", threads=True):
    headers = {"HTTP_LAST_EVENT_ID": seen} if seen else {}
    request = RequestFactory().get(f"/events/?{query}", **headers, **{"wsgi.multithread": threads})
    request.user = user
    return events(request)


def heard(answer):
    """Return the messages of a stream until its end, each with its id."""
    found = []
    for part in answer:
        for text in part.decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in text.split("\n") if ": " in line)
            if "data" in lines:
                found.append((lines.get("id", ""), json.loads(lines["data"])))
    answer.close()
    return found


def publish(name, *values):
    stream = EventStream(name)
    for value in values:
        stream.send("event", value)
    assert stream.end({"outcome": "success"})


def test_a_stream_says_what_the_websocket_says(database):
    publish("demo__x", "a", {"b": 1})

    assert heard(ask("id=demo__x")) == [
        ("1.0", {"status": "start", "run": 1}),
        ("1.1", {"status": "event", "seq": 1, "data": "a"}),
        ("1.2", {"status": "event", "seq": 2, "data": {"b": 1}}),
        ("1.3", {"status": "stop", "outcome": "success", "seq": 3}),
    ]


@pytest.mark.parametrize("place", [{"query": "&seen=1.2"}, {"seen": "1.2"}])
def test_who_comes_back_goes_on_where_he_was(database, place):
    publish("demo__x", "a", "b", "c")
    publish("demo__x", "new")

    query = f"id=demo__x&batch=1{place.get('query', '')}"

    assert [message for _, message in heard(ask(query, seen=place.get("seen", "")))] == [
        {"status": "start", "run": 1},
        {"status": "events", "data": [[3, "c"]]},
        {"status": "stop", "outcome": "success", "seq": 4},
    ]


@pytest.mark.parametrize(
    ("query", "user", "reason"),
    [("id=demo__x", NOBODY, "refused"), ("id=", ANN, "unreadable"), ("seen=1.1", BEN, "unreadable")],
)
def test_who_is_refused_is_told_so_by_a_message(database, query, user, reason):
    ((_, message),) = heard(ask(query, user))

    assert (message["status"], message["reason"]) == ("error", reason)


def test_an_id_that_nobody_publishes_is_an_error_after_a_while(database, settings):
    settings.PUBLISH = {"patience": 0.1}

    ((_, message),) = heard(ask("id=demo__never"))

    assert message["reason"] == "unknown"


@pytest.mark.parametrize("full", [{"threads": False}, {"settings": {"wsgi_streams": 0}}])
def test_without_room_for_a_stream_a_page_is_asked_to_come_later(database, settings, full):
    settings.PUBLISH = full.get("settings", {})

    answer = ask("id=demo__x", threads=full.get("threads", True))

    assert answer.status_code == 503 and answer["Retry-After"]


def test_a_stream_that_is_closed_is_watched_by_nobody(database):
    answer = ask("id=demo__never")
    assert len(viewing.watcher.circle) == 1

    answer.close()

    assert len(viewing.watcher.circle) == 0


# --- the tags ------------------------------------------------------------------------------------------------------


def render(tag):
    return Template(f"{{% load django_q_publish %}}{tag}").render(Context({"evil": '"><script>'}))


def test_the_tag_puts_the_element_and_its_script_on_a_page():
    text = render("{% q_task 'demo__test1' task_href='/start/' text=True %}")

    assert '<script type="module" src="/static/django_q_publish/q-task.js"></script>' in text
    assert 'task_id="demo__test1" websocket_href="/schtasks/show_task_events/channel/"' in text
    assert ' task_href="/start/" text data-texts="{' in text and "events_href" not in text


def test_the_tag_names_the_addresses_of_the_site():
    with override_settings(ROOT_URLCONF=__name__):
        text = render("{% q_task evil wrap=True sanitize=True %}")

    assert 'websocket_href="/site/schtasks/show_task_events/channel/"' in text
    assert 'events_href="/site/schtasks/show_task_events/events/" sanitize wrap' in text
    assert "<script>" not in text
    assert render("{% q_task_script %}").startswith("<script")


# --- without Channels ----------------------------------------------------------------------------------------------

WITHOUT = """
import sys
sys.modules["channels"] = sys.modules["channels.generic"] = None
sys.modules["channels.generic.websocket"] = None
import django
django.setup()
import django_q.contrib.publish.urls, django_q.contrib.publish.templatetags.django_q_publish
from django_q.contrib.publish import CommunicationBasePublisher, RemoteScreen, publish
try:
    import django_q.contrib.publish.routing
except ImportError as error:
    sys.exit(str(error))
"""


def test_without_channels_all_but_the_websocket_works_and_that_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)

    assert done.stderr.startswith("The websocket of live tasks needs Channels: pip install 'django-q-cluster[channels]")
