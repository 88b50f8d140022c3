"""Events are numbered within their run, read in their order, ended once, and kept for a while."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections

from django_q.models import Event
from django_q.models.dialects import dialect_for

LOG = Event.objects


def write(stream, run, *numbers, kind="event"):
    LOG.append([(stream, run, number, kind, f'"{number}"') for number in numbers])


def places(events):
    return [(event.stream, event.run, event.seq) for event in events]


@pytest.mark.django_db
def test_each_run_of_a_stream_has_the_next_number():
    assert [LOG.begin("demo"), LOG.begin("demo"), LOG.begin("other")] == [1, 2, 1]
    assert LOG.newest_runs(["demo", "other", "nothing"]) == {"demo": 2, "other": 1}


@pytest.mark.django_db
def test_how_a_run_began_is_its_first_row():
    run = LOG.begin("demo", '{"task": "1"}')

    [first] = LOG.after({("demo", run): -1}, 10)

    assert (first.seq, first.kind, first.payload) == (0, "start", '{"task": "1"}')


@pytest.mark.django_db
def test_what_is_behind_the_last_number_seen_is_read_in_order_and_for_many_runs_at_once():
    write("demo", 1, 1, 2)
    write("other", 3, 1)
    write("demo", 1, 3)
    write("demo", 2, 1)
    write("hidden", 1, 1)

    found = LOG.after({("demo", 1): 1, ("other", 3): 0}, 10)

    assert places(found) == [("demo", 1, 2), ("other", 3, 1), ("demo", 1, 3)]
    assert found[0].payload == '"2"'


@pytest.mark.django_db
def test_no_more_is_read_than_was_asked_for_and_the_oldest_first():
    write("busy", 1, 1, 2, 3)
    write("calm", 1, 1)
    write("busy", 1, 4)

    assert places(LOG.after({("busy", 1): 0, ("calm", 1): 0}, 4))[-1] == ("calm", 1, 1)


@pytest.mark.django_db
def test_a_hundred_and_more_runs_are_read_at_once(django_assert_max_num_queries):
    for number in range(120):
        write(f"s{number}", 1, 1)

    with django_assert_max_num_queries(3):
        found = LOG.after({(f"s{number}", 1): 0 for number in range(120)}, 1000)

    assert len(found) == 120


@pytest.mark.django_db
def test_a_run_ends_once_behind_its_last_event():
    run = LOG.begin("demo")
    write("demo", run, 1, 2)

    assert [LOG.end("demo", run, '"lost"'), LOG.end("demo", run, '"success"')] == [True, False]
    assert [(event.seq, event.kind, event.payload) for event in LOG.after({("demo", run): 2}, 10)] == [
        (3, "end", '"lost"')
    ]


@pytest.mark.django_db
def test_a_run_that_never_began_cannot_end():
    assert LOG.end("demo", 7) is False


@pytest.mark.django_db
def test_the_oldest_events_of_a_run_can_be_cut_off_but_not_how_it_began():
    run = LOG.begin("demo")
    write("demo", run, 1, 2, 3, 4)

    LOG.trim("demo", run, before=3)

    assert [event.seq for event in LOG.after({("demo", run): -1}, 10)] == [0, 3, 4]


@pytest.mark.django_db
def test_what_is_older_than_it_is_kept_goes():
    write("old", 1, 1, 2)
    LOG.update(created=dialect_for("default").later_expression(-3600))
    write("new", 1, 1)

    assert LOG.prune(1800) == 2
    assert places(LOG.all()) == [("new", 1, 1)]
    assert LOG.prune(1800) == 0


@pytest.mark.django_db
def test_a_row_of_the_log_is_not_saved_by_hand():
    with pytest.raises(TypeError, match="begin"):
        Event(stream="demo", run=1, seq=1, kind="event").save()


@pytest.mark.django_db(transaction=True)
def test_runs_that_begin_in_one_moment_have_numbers_of_their_own():
    together = Barrier(4)

    def begin():
        try:
            connection.ensure_connection()
            together.wait(30)
            return [LOG.begin("demo") for _ in range(5)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        runs = [run for done in [pool.submit(begin) for _ in range(4)] for run in done.result()]

    assert sorted(runs) == list(range(1, 21))
