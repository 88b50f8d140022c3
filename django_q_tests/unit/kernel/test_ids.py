import os
import threading
import uuid

import pytest

from django_q.kernel import clock, ids

# Written out: every process of a parallel run has to collect the same tests.
NEW_ID = "019aa3c0ffee7abc8def0123456789ab"
UUID4 = "9b2f6c1e0d3a4f5b8c7d6e5f4a3b2c1d"


def test_an_id_is_a_uuid_of_version_seven():
    made = uuid.UUID(ids.new_id())

    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_an_id_tells_when_it_was_made(monkeypatch):
    later = clock.epoch() + 1000
    monkeypatch.setattr(clock, "epoch", lambda: later)
    monkeypatch.setattr(ids._source, "last", 0)

    assert int(ids.new_id()[:12], 16) == int(later * 1000)


def test_ids_sort_in_the_order_of_their_creation():
    made = [ids.new_id() for _ in range(20_000)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_id_of_a_moment_sorts_among_those_made_then():
    now = clock.epoch()
    before, after = ids.new_id(now - 60), ids.new_id(now + 60)
    equal = [ids.new_id(now + 120) for _ in range(100)]

    assert before < ids.new_id() < after < min(equal)
    assert len(set(equal)) == 100 and all(map(ids.is_id, [before, after, *equal]))
    assert ids.is_id(ids.new_id(-1.0))


def test_ids_keep_their_order_when_the_clock_is_set_back(monkeypatch):
    first = ids.new_id()
    monkeypatch.setattr(clock, "epoch", lambda: 1_000_000.0)

    assert ids.new_id() > first


def test_a_millisecond_with_more_ids_than_its_counter_holds_runs_over_into_the_next(monkeypatch):
    held = clock.epoch()
    monkeypatch.setattr(clock, "epoch", lambda: held)

    made = [ids.new_id() for _ in range(10_000)]

    assert made == sorted(set(made))
    assert all(map(ids.is_id, made))


def test_threads_never_make_the_same_id():
    made = []
    threads = [threading.Thread(target=lambda: made.extend([ids.new_id() for _ in range(2000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 8000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_does_not_repeat_its_parents_random_numbers():
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, (ids.new_token() + ids.new_id()[-15:]).encode())
        os._exit(0)
    os.waitpid(child, 0)

    theirs = os.read(reader, 100).decode()

    assert theirs != ids.new_token() + ids.new_id()[-15:]
    os.close(reader)
    os.close(writer)


def test_a_token_is_sixteen_hexadecimal_digits():
    token = ids.new_token()

    assert len(token) == 16
    assert int(token, 16) >= 0
    assert token != ids.new_token()


@pytest.mark.parametrize("text", ["", "x" * 32, "0" * 32, UUID4, NEW_ID.upper(), NEW_ID + "0", 7, None])
def test_other_texts_are_no_ids(text):
    assert not ids.is_id(text)
