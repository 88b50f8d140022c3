"""Events are read by each in his place, once in a process for all who follow, from the beginning by who comes late."""

import threading

import pytest
from django.db import connections

from django_q.events import EventStream, Place, Tails, follow
from django_q.models import Event

ALL = Place()


def told(events):
    return [(event.run, event.seq, event.kind) for event in events]


def send(name, count, *, end=True):
    stream = EventStream(name)
    for number in range(count):
        stream.send("event", number)
    assert stream.end() if end else stream.flush()
    return stream


@pytest.fixture
def tails(db):
    return Tails("default")


def test_one_look_finds_what_is_new_in_all_streams(tails, django_assert_num_queries):
    send("demo", 2)
    first = send("other", 1, end=False)
    with django_assert_num_queries(2):
        assert tails.look({"demo", "other", "nothing"}) == {"demo": Place(1, 3), "other": Place(1, 1)}

    first.end()
    assert tails.look({"demo", "other"})["other"] == Place(1, 2)


def test_who_follows_is_told_from_memory(tails, django_assert_num_queries):
    send("demo", 3)
    tails.look({"demo"})

    with django_assert_num_queries(0):
        assert told(tails.behind("demo", ALL)) == [
            (1, 0, "start"),
            (1, 1, "event"),
            (1, 2, "event"),
            (1, 3, "event"),
            (1, 4, "end"),
        ]
        assert told(tails.behind("demo", Place(1, 3))) == [(1, 4, "end")]
        assert tails.behind("demo", Place(1, 4)) == []
        assert told(tails.behind("demo", Place(1, 0), most=1)) == [(1, 1, "event")]


def test_a_new_run_takes_the_place_of_the_old_one_and_its_followers_read_the_rest_themselves(tails):
    old = send("demo", 1, end=False)
    tails.look({"demo"})
    send("demo", 1)
    old.end()

    assert tails.look({"demo"}) == {"demo": Place(2, 2)}
    assert told(tails.behind("demo", ALL))[0] == (2, 0, "start")
    assert told(tails.behind("demo", Place(1, 1))) == [(1, 2, "end")]


def test_what_is_no_longer_in_memory_is_read_from_the_database(tails):
    send("demo", 2500)
    for _ in range(3):
        tails.look({"demo"})

    found = tails.behind("demo", ALL)

    assert [event.seq for event in found] == list(range(1000))
    assert [event.seq for event in tails.behind("demo", Place(1, 2400))] == list(range(2401, 2502))


def test_events_that_are_gone_leave_a_gap_that_can_be_seen(tails):
    stream = send("demo", 3, end=False)
    tails.look({"demo"})
    for number in range(20):
        stream.send("event", number)
    stream.flush()
    Event.objects.trim("demo", 1, before=20)
    tails.look({"demo"})

    assert [event.seq for event in tails.behind("demo", Place(1, 22))] == [23]
    assert tails.behind("demo", Place(1, 3))[0].seq == 20


def test_what_nobody_follows_is_forgotten(tails, django_assert_num_queries):
    send("demo", 1)
    tails.look({"demo"})
    assert tails.look(set()) == {}

    with django_assert_num_queries(2):
        assert len(tails.behind("demo", ALL)) == 3


def test_who_comes_late_reads_everything_and_then_the_end(db):
    send("demo", 3)

    assert [event.payload for event in follow("demo") if event.kind == "event"] == ["0", "1", "2"]
    assert told(follow("demo", Place(1, 2))) == [(1, 3, "event"), (1, 4, "end")]


def test_who_waits_for_what_never_comes_gives_up(db):
    assert list(follow("nothing", patience=0.05)) == []


@pytest.mark.django_db(transaction=True)
def test_who_waits_is_woken_by_each_event():
    found, ready = [], threading.Event()

    def read():
        try:
            for event in follow("demo", patience=20):
                found.append(event.payload)
                ready.set()
        finally:
            connections.close_all()

    reader = threading.Thread(target=read)
    reader.start()
    stream = EventStream("demo")
    for number in range(5):
        stream.send("event", number)
        stream.flush()
        assert ready.wait(20)
        ready.clear()
    stream.end("success")
    reader.join(20)

    assert found == ["", *"01234", '"success"']
