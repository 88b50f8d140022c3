"""The websocket: what browsers are told, when, and who is told nothing."""

import asyncio
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import connections

from django_q.contrib.publish import CommunicationByEventsPublisher, viewing
from django_q.contrib.publish.models import PublishedTask
from django_q.contrib.publish.routing import websocket_urlpatterns
from django_q.contrib.publish.viewing import Seen, Viewing, Wish
from django_q.events import EventStream, Place
from django_q.models import Event
from django_q.tasks import async_task
from django_q_tests.contrib.publish.published import shows

pytestmark = pytest.mark.once

PATIENCE = 20  # seconds; what a busy machine may need, never what a test waits for
ANN = SimpleNamespace(pk=1, is_authenticated=True, is_staff=False)
BEN = SimpleNamespace(pk=2, is_authenticated=True, is_staff=False)
BOSS = SimpleNamespace(pk=3, is_authenticated=True, is_staff=True)
NOBODY = SimpleNamespace(pk=None, is_authenticated=False, is_staff=False)
START = {"status": "start", "run": 1}


@pytest.fixture(autouse=True)
def database(watched_database):
    return watched_database


class Socket(WebsocketCommunicator):
    """What a browser sends and hears."""

    async def say(self, **message):
        await self.send_json_to(message)

    async def hear(self):
        return await self.receive_json_from(timeout=PATIENCE)

    async def hear_until(self, status):
        heard = [await self.hear()]
        while heard[-1]["status"] != status:
            heard.append(await self.hear())
        return heard

    async def is_closed(self):
        return (await self.receive_output(timeout=PATIENCE))["type"] == "websocket.close"


@asynccontextmanager
async def socket(user=ANN):
    pattern = websocket_urlpatterns[0]
    one = Socket(pattern.callback, f"/{pattern.pattern}")
    one.scope["user"] = user
    await one.connect(timeout=PATIENCE)
    yield one
    await one.disconnect(timeout=PATIENCE)


def run(scenario):
    async def whole():
        try:
            await scenario()
        finally:
            # The thread outlives the loop, and its connection the database of this test.
            await sync_to_async(connections.close_all)()

    asyncio.run(whole())


@sync_to_async
def publish(name, *values, end=True):
    stream = EventStream(name, {"task": "t"})
    stream.begin()
    for value in values:
        stream.send("event", value)
    assert stream.end({"outcome": "success"}) if end else stream.flush()
    return stream


def event(seq, value):
    return {"status": "event", "seq": seq, "data": value}


def stop(seq, outcome="success"):
    return {"status": "stop", "outcome": outcome, "seq": seq}


def test_who_comes_before_the_task_hears_all_as_it_happens():
    async def scenario():
        async with socket() as one:
            await one.say(id="demo__x")
            await one.say(ping=1)
            assert await one.hear() == {"status": "pong"}
            stream = await publish("demo__x", "a", end=False)
            assert [await one.hear(), await one.hear()] == [START, event(1, "a")]
            await sync_to_async(lambda: stream.send("event", {"b": [1]}) and stream.flush())()
            await one.say(ping=1)
            assert sorted([await one.hear(), await one.hear()], key=str) == [event(2, {"b": [1]}), {"status": "pong"}]
            await sync_to_async(stream.end)({"outcome": "error"})
            assert await one.hear() == stop(3, "error")
            assert await one.is_closed()

    run(scenario)


def test_an_event_is_there_within_a_second():
    async def scenario():
        stream = await publish("demo__x", end=False)
        async with socket() as one:
            await one.say(id="demo__x")
            assert await one.hear() == START
            taken = []
            for number in range(1, 6):
                begun = time.monotonic()
                await sync_to_async(lambda value=number: stream.send("event", value) and stream.flush())()
                assert await one.hear() == event(number, number)
                taken.append(time.monotonic() - begun)
            # The fastest: how busy the machine is does not matter.
            assert min(taken) < 1

    run(scenario)


def test_who_comes_later_hears_all_from_the_beginning_however_many_they_are():
    async def scenario():
        stream = await publish("demo__x", "a", end=False)
        async with socket() as first, socket() as second:
            for one in (first, second):
                await one.say(id="demo__x")
                assert [await one.hear(), await one.hear()] == [START, event(1, "a")]
            await sync_to_async(stream.end)()
            assert await first.hear() == await second.hear() == stop(2)
        for _ in range(2):
            async with socket() as late:
                await late.say(id="demo__x")
                assert await late.hear_until("stop") == [START, event(1, "a"), stop(2)]
                assert await late.is_closed()

    run(scenario)


def test_who_comes_back_goes_on_where_he_was():
    async def scenario():
        await publish("demo__x", *"abc")
        async with socket() as one:
            await one.say(id="demo__x", last=2)
            assert await one.hear_until("stop") == [START, event(3, "c"), stop(4)]
        await publish("demo__x", "new")
        async with socket() as one:
            await one.say(id="demo__x", run=1, last=1, batch=True)
            data = {"status": "events", "data": [[2, "b"], [3, "c"]]}
            assert await one.hear_until("stop") == [START, data, stop(4)]
        async with socket() as one:
            await one.say(id="demo__x")
            assert await one.hear_until("stop") == [{"status": "start", "run": 2}, event(1, "new"), stop(2)]

    run(scenario)


def test_who_watches_an_old_run_sees_its_end():
    async def scenario():
        old = await publish("demo__x", "old", end=False)
        async with socket() as one:
            await one.say(id="demo__x")
            assert [await one.hear(), await one.hear()] == [START, event(1, "old")]
            await publish("demo__x", "new")
            await sync_to_async(old.end)()
            assert await one.hear() == stop(2)

    run(scenario)


def test_a_run_of_an_earlier_task_is_not_shown_while_the_next_one_waits():
    async def scenario():
        await publish("demo__x", "old")
        task = await sync_to_async(async_task)(shows, task_publish_id="x")
        async with socket() as one:
            await one.say(id="demo__x")
            await one.say(ping=1)
            assert await one.hear() == {"status": "pong"}
            await sync_to_async(_begin)(task)
            assert [await one.hear(), await one.hear()] == [{"status": "start", "run": 2}, event(1, "new")]

    def _begin(task):
        with CommunicationByEventsPublisher("demo__x", task) as cproxy:
            cproxy.send_event("new")

    run(scenario)


def test_thousands_of_events_are_read_in_parts_and_none_is_missed_or_doubled():
    async def scenario():
        await publish("demo__x", *range(2500))
        async with socket() as one:
            await one.say(id="demo__x", batch=True)
            heard = await one.hear_until("stop")
            assert [pair for each in heard[1:-1] for pair in each["data"]] == [[n + 1, n] for n in range(2500)]

    run(scenario)


def test_who_comes_too_late_is_told_how_much_is_gone():
    async def scenario():
        await publish("demo__x", *"abcd")
        await sync_to_async(Event.objects.trim)("demo__x", 1, 3)
        async with socket() as one:
            await one.say(id="demo__x")
            assert (await one.hear_until("stop"))[:3] == [START, {"status": "missed", "count": 2}, event(3, "c")]

    run(scenario)


def test_an_id_that_nobody_publishes_is_an_error_after_a_while(settings):
    settings.PUBLISH = {"patience": 0.1}

    async def scenario():
        async with socket() as one:
            await one.say(id="demo__never")
            heard = await one.hear()
            assert (heard["status"], heard["reason"]) == ("error", "unknown") and "demo__never" in heard["message"]
            assert await one.is_closed()

    run(scenario)


def test_a_task_that_waits_in_the_queue_is_waited_for(settings):
    settings.PUBLISH = {"patience": 0.1}

    async def scenario():
        await sync_to_async(async_task)(shows, task_publish_id="x")
        async with socket() as one:
            await one.say(id="demo__x")
            assert await one.receive_nothing(timeout=1.5)
            await one.say(ping=1)
            assert await one.hear() == {"status": "pong"}

    run(scenario)


def test_a_browser_that_leaves_is_forgotten():
    async def scenario():
        async with socket() as one:
            await one.say(id="demo__never")
            await one.say(ping=1)
            await one.hear()
            assert len(viewing.watcher.circle) == 1
        assert len(viewing.watcher.circle) == 0

    run(scenario)


@pytest.mark.parametrize(
    ("user", "settings_", "is_let_in"),
    [
        (NOBODY, {}, False),
        (None, {}, False),
        (ANN, {}, True),
        (BEN, {}, False),
        (BOSS, {}, True),
        (NOBODY, {"anyone": ["demo"]}, True),
        (NOBODY, {"anyone": ["other"]}, False),
        (BEN, {"access": f"{__name__}.let_ben_in"}, True),
        (ANN, {"access": f"{__name__}.let_ben_in"}, False),
    ],
)
def test_who_may_watch_is_decided_before_anything_is_said(user, settings_, is_let_in, settings):
    settings.PUBLISH = settings_

    async def scenario():
        await publish("demo__x", "secret")
        await PublishedTask.objects.acreate(stream="demo__x", task_id="t", owner="1")
        async with socket(user) as one:
            await one.say(id="demo__x")
            heard = await one.hear()
            if is_let_in:
                assert heard == START
            else:
                assert (heard["status"], heard["reason"]) == ("error", "refused")
                assert "PUBLISH['anyone'] = ['demo']" in heard["hint"]
                assert await one.is_closed()

    run(scenario)


def test_runs_of_another_users_task_under_the_same_name_are_not_shown(settings):
    settings.PUBLISH = {"patience": 0.1}

    async def scenario():
        await publish("demo__x", "Ann's")
        await PublishedTask.objects.acreate(stream="demo__x", task_id="t", owner="1")
        await PublishedTask.objects.acreate(stream="demo__x", task_id="of Ben", owner="2")
        for run, reason in ((None, "unknown"), (1, "refused")):
            async with socket(BEN) as one:
                await one.say(id="demo__x", run=run)
                assert (await one.hear())["reason"] == reason

    run(scenario)


def test_what_was_chosen_for_others_is_not_shown_to_who_has_not_asked_himself():
    async def scenario():
        await publish("demo__x", "Ann's")
        await PublishedTask.objects.acreate(stream="demo__x", task_id="t", owner="1")
        await PublishedTask.objects.acreate(stream="demo__x", task_id="of Ben", owner="2")
        viewing = Viewing.begin(Wish("demo__x"), most=1)
        try:
            viewing._viewer.tell(Seen(Place(1, 2), 1))
            said = viewing.take()
            await viewing.await_news(0)
            assert [*said, *viewing.take()] == []
        finally:
            viewing.close()

    run(scenario)


def let_ben_in(user, stream, owner):
    assert (stream, owner) == ("demo__x", "1")
    return user is BEN


def test_one_who_finds_no_room_is_told_so(settings):
    settings.PUBLISH = {"viewers": 0}

    async def scenario():
        async with socket() as one:
            await one.say(id="demo__x")
            assert (await one.hear())["reason"] == "full"
            assert await one.is_closed()

    run(scenario)


NONSENSE = ["{", "[]", "7", '"id"', '{"id": 5}', '{"id": ""}', '{"id": "x", "last": "a"}', '{"id":"x","run":-1}']


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_answered_by_an_error_and_harms_nothing(text):
    async def scenario():
        async with socket() as one:
            await one.send_to(text_data=text)
            assert (await one.hear())["reason"] == "unreadable"
            await one.say(unknown=1, ping=1)
            assert await one.hear() == {"status": "pong"}

    run(scenario)


def test_a_socket_shows_one_task():
    async def scenario():
        async with socket() as one:
            await one.say(id="demo__x")
            await one.say(id="demo__y")
            assert (await one.hear())["reason"] == "busy"

    run(scenario)
