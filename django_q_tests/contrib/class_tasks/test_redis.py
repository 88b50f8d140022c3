"""Events in Redis, as those read them who know nothing of us; control words from there; and no Redis at all."""

import json
import logging

import pytest

from django_q.contrib.class_tasks import redis_bridge, start_task
from django_q.exceptions import InvalidSettings
from django_q_tests.support.class_tasks import Returns, lines
from django_q_tests.support.eventually import eventually
from django_q_tests.support.servers import NoServer, PrivateRedis

redis = pytest.importorskip("redis")
pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def server():
    try:
        found = PrivateRedis()
    except NoServer as reason:
        pytest.skip(str(reason))
    with found:
        yield found


@pytest.fixture
def client(server):
    with redis.Redis.from_url(server.url) as found:
        yield found


@pytest.fixture
def subscribed(client):
    """Subscribe to a pattern, and return what reads a number of messages."""
    with client.pubsub(ignore_subscribe_messages=True) as channel:

        def subscribe(pattern):
            channel.psubscribe(pattern)
            channel.get_message(timeout=5)

            def read(count):
                found = []

                def has_all():
                    if (message := channel.get_message(timeout=0.05)) is not None:
                        found.append((message["channel"].decode(), json.loads(message["data"])))
                    return len(found) >= count

                eventually(has_all, within=10, saying=lambda: found)
                return found

            return read

        yield subscribe


def test_a_plain_subscriber_reads_events_as_pytask_wrote_them(start, server, subscribed, until):
    read = subscribed("task-*")
    start(redis=server.url)

    task_id = start_task("test/returns", value={"ä": 1}, events=2)

    channel = f"task-{task_id}"
    assert read(4) == [
        (channel, {"event": "made", "data": {"value": {"ä": 1}}}),
        (channel, {"event": "number", "data": 0}),
        (channel, {"event": "number", "data": 1}),
        (channel, {"event": "success", "data": {"ä": 1}}),
    ]
    until(task_id, "SUCCESS")


def test_control_words_are_heard_from_redis_and_others_are_logged(start, server, client, tmp_path, until, caplog):
    start(redis=server.url)
    path = tmp_path / "lines"
    task_id = start_task("test/loops", path=str(path))
    eventually(lambda: lines(path) and client.pubsub_numpat() == 1)

    client.publish(f"task-{task_id}-control", "reload")
    eventually(lambda: lines(path) == ["started", "stopped", "started"])
    with caplog.at_level(logging.WARNING):
        client.publish(f"task-{task_id}-control", "dance")
        eventually(lambda: f"Task {task_id} was asked to 'dance', which means nothing." in caplog.text)
    client.publish("task-ghost-control", "stop")
    client.publish(f"task-{task_id}-control", "stop")

    until(task_id, "STOPPED")


def test_without_its_server_everything_goes_on_and_it_is_said_once(start, tmp_path, until, caplog):
    start(redis="redis://127.0.0.1:1/0")

    for _ in range(2):
        until(start_task("test/returns", events=5), "SUCCESS")

    said = eventually(lambda: [each.message for each in caplog.records if "not published to Redis" in each.message])
    assert len(said) == 1


def test_a_task_has_a_client_of_the_server_of_the_settings(settings, server):
    settings.CLASS_TASKS = {"redis": server.url}

    assert Returns().redis.ping()


def test_a_missing_package_is_said(settings, monkeypatch):
    def missing(name):
        raise ImportError(name)

    settings.CLASS_TASKS = {"redis": "redis://localhost"}
    monkeypatch.setattr(redis_bridge, "import_module", missing)

    with pytest.raises(InvalidSettings, match=r"install django-q-cluster\[redis\]"):
        redis_bridge.connect()
