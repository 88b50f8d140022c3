"""Events are written in the order in which they are sent, each once, whatever the database does meanwhile."""

import asyncio
import json
import logging
import threading

import pytest
from django.db import connection, transaction

from django_q.events import EventStream, storing, writing
from django_q.events.storing import Entry, Run
from django_q.exceptions import InvalidValue
from django_q.kernel import clock
from django_q.models import Event


def stored(stream="demo"):
    rows = Event.objects.filter(stream=stream).order_by("run", "seq").values_list("run", "seq", "kind", "payload")
    return [(run, seq, kind, json.loads(payload) if payload else None) for run, seq, kind, payload in rows]


def send(stream, *values):
    for value in values:
        assert stream.send("event", value)


class AloneInThread:
    """As in a worker: a thread writes."""

    @pytest.fixture(autouse=True)
    def thread(self, transactional_db, monkeypatch):
        monkeypatch.setattr(writing, "_threaded", set())
        monkeypatch.setattr(writing, "_backgrounds", {})
        writing._complain.clear()
        writing.use_thread()
        yield
        writing.stop()


@pytest.mark.django_db
class TestWhereTheTaskRunsInTheProcessThatAsks:
    def test_events_are_numbered_from_one_between_the_start_and_the_end(self):
        stream = EventStream("demo", about={"task": "x"})
        send(stream, "a", {"b": [1, None]})
        assert stream.end("success")

        assert stored() == [
            (1, 0, "start", {"task": "x"}),
            (1, 1, "event", "a"),
            (1, 2, "event", {"b": [1, None]}),
            (1, 3, "end", "success"),
        ]

    def test_a_stream_that_is_opened_again_is_another_run(self):
        for value in ("first", "second"):
            stream = EventStream("demo")
            send(stream, value)
            stream.end()

        assert [row for row in stored() if row[2] == "event"] == [(1, 1, "event", "first"), (2, 1, "event", "second")]

    def test_the_first_event_is_written_at_once_and_the_others_together(
        self, django_assert_max_num_queries, monkeypatch
    ):
        stream = EventStream("demo")
        send(stream, 0)
        assert len(stored()) == 2

        moment = clock.monotonic()
        monkeypatch.setattr(clock, "monotonic", lambda: moment)
        with django_assert_max_num_queries(10):
            send(stream, *range(1, 1000))
            stream.flush()

        assert [row[3] for row in stored()[1:]] == list(range(1000))

    def test_events_of_a_transaction_that_is_undone_were_never_sent(self):
        with pytest.raises(ValueError), transaction.atomic():
            send(EventStream("demo"), "a")
            raise ValueError

        assert stored() == []

    @pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", float("nan"), {"deep": [float("inf")]}])
    def test_what_json_cannot_hold_is_a_type_error(self, value):
        with pytest.raises(TypeError):
            EventStream("demo").send("event", value)

        assert stored() == []

    @pytest.mark.parametrize("value", ["$$$END$$$", "", "zażółć 🐢", "nul \x00", "half \ud83d", 0, None, [], {"a": {}}])
    def test_every_value_of_json_arrives_as_it_was_sent(self, value):
        stream = EventStream("demo")
        send(stream, value)
        stream.end()

        assert stored()[1][3] == value

    def test_what_is_too_large_or_has_no_name_is_refused(self):
        with pytest.raises(InvalidValue, match="too large"):
            EventStream("demo").send("event", "x" * (storing.LARGEST + 1))
        with pytest.raises(InvalidValue, match="name of an event"):
            EventStream("demo").send("", 1)
        for name in ("", "x" * 201, 7):
            with pytest.raises(InvalidValue, match="name of a stream"):
                EventStream(name)

    def test_what_comes_after_the_end_is_dropped(self):
        stream = EventStream("demo")
        stream.end()

        assert not stream.send("event", "late") and not stream.end()
        assert [row[2] for row in stored()] == ["start", "end"]

    def test_the_oldest_events_go_when_a_run_has_too_many(self, settings):
        settings.Q_CLUSTER = {"max_events": 10}
        stream = EventStream("demo")
        for number in range(1, 41):
            send(stream, number)
            stream.flush()

        numbers = [row[1] for row in stored()]
        assert numbers[0] == 0 and numbers[-1] == 40 and 10 <= len(numbers) - 1 <= 12


class TestWhereAThreadWrites(AloneInThread):
    def test_the_end_returns_when_everything_is_written(self):
        stream = EventStream("demo")
        send(stream, *range(2500))

        assert stream.end("success")
        assert [row[3] for row in stored()[1:-1]] == list(range(2500)) and stored()[-1][1] == 2501

    def test_many_threads_send_into_one_stream_without_a_gap(self):
        stream = EventStream("demo")
        threads = [threading.Thread(target=send, args=(stream, *range(100))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stream.end()

        rows = stored()[1:-1]
        assert [row[1] for row in rows] == list(range(1, 401))
        assert sorted(row[3] for row in rows) == sorted([*range(100)] * 4)

    def test_a_coroutine_sends_as_well(self):
        async def task():
            stream = EventStream("demo")
            send(stream, "a", "b")
            return await asyncio.to_thread(stream.end)

        assert asyncio.run(task())
        assert [row[3] for row in stored()[1:-1]] == ["a", "b"]

    @pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time")
    def test_an_event_is_seen_while_the_transaction_of_its_task_is_open(self):
        with transaction.atomic():
            Event.objects.count()
            stream = EventStream("demo")
            send(stream, "a")
            assert stream.flush()

        assert len(stored()) == 2

    @pytest.mark.once  # elsewhere a table that is missing is no outage; the process tests stop a server
    def test_a_database_that_cannot_be_used_for_a_while_costs_nothing(self, monkeypatch, caplog):
        monkeypatch.setattr(writing, "_PAUSES", (0.01,))
        stream = EventStream("demo")
        send(stream, "before")
        assert stream.flush()
        with away():
            send(stream, *range(50))
            assert wait_for_log(caplog)

        assert stream.end()
        assert [row[3] for row in stored()[2:-1]] == list(range(50))

    @pytest.mark.once
    def test_a_task_goes_on_when_nothing_can_be_written(self, monkeypatch, caplog):
        monkeypatch.setattr(writing, "_PAUSES", (0.01,))
        monkeypatch.setattr(writing, "_PATIENCE", 0.05)
        monkeypatch.setattr(writing, "_MOST", 5)
        with away():
            stream = EventStream("demo")
            taken = [stream.send("event", number) for number in range(3000)]
            assert not stream.flush()

        assert not taken[-1] and taken.index(False) >= 5
        assert caplog.text.count("are dropped: the database does not write them") == 1
        assert any(EventStream("demo").flush() for _ in range(1000))


@pytest.mark.django_db
class TestWhereATryIsMadeAgain:
    def entries(self):
        run = Run("demo")
        return [Entry(run, "event", str(number)) for number in range(3)]

    def forget(self, entries):
        """The answer to the commit was lost: the writer knows nothing of what is stored."""
        entries[0].run.seq = 0

    def test_nothing_is_written_twice(self):
        entries = self.entries()
        storing.write("default", entries)
        self.forget(entries)

        storing.write("default", [*entries, Entry(entries[0].run, "event", "3")])

        assert [(row[1], row[3]) for row in stored()[1:]] == [(1, 0), (2, 1), (3, 2), (4, 3)]

    def test_a_run_that_the_cluster_has_ended_stays_ended(self):
        entries = self.entries()
        storing.write("default", entries)
        Event.objects.end("demo", 1, '"lost"')

        storing.write("default", [Entry(entries[0].run, "event", '"late"')])

        assert stored()[-1] == (1, 4, "end", "lost") and entries[0].run.has_ended


class away:
    """The table of events is not there for a while."""

    def __enter__(self):
        self.rename("django_q_event", "django_q_event_away")

    def __exit__(self, *error):
        self.rename("django_q_event_away", "django_q_event")

    def rename(self, old, new):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")


def wait_for_log(caplog):
    """Wait until the thread has met the missing table."""
    found = threading.Event()

    class Handler(logging.Handler):
        def emit(self, record):
            found.set()

    logger, handler = logging.getLogger("django_q.events"), Handler()
    logger.addHandler(handler)
    try:
        return found.wait(10) or "Events" in caplog.text
    finally:
        logger.removeHandler(handler)
