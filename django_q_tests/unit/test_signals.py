"""Signals whose receivers raise."""

import asyncio
from functools import partial

import pytest
from django.db import OperationalError

from django_q.signals import RowsSignal, TaskSignal, send_to_keepers_of_rows


def fails(error, **_):
    raise error


class Callable:
    def __call__(self, **_):
        raise ValueError("an object")


def connected(signal, *receivers):
    called = []
    for receiver in (*receivers, lambda **told: called.append(told["sender"])):
        signal.connect(receiver, weak=False)
    return called


@pytest.mark.parametrize("receiver", [partial(fails, ValueError("a partial")), Callable()], ids=["partial", "object"])
def test_whatever_raises_is_logged_once_and_the_others_are_called(caplog, receiver):
    signal = TaskSignal()
    called = connected(signal, receiver)

    signal.send_robust(sender="django_q")
    asyncio.run(signal.asend_robust(sender="django_q"))

    assert called == ["django_q"] * 2
    assert [record.name for record in caplog.records] == ["django_q.signals"] * 2
    assert "raised ValueError('a" in caplog.text


def test_who_sends_to_keepers_of_rows_is_raised_what_may_pass_after_all_were_called(caplog):
    signal = RowsSignal()
    called = connected(signal, partial(fails, OperationalError("gone")), partial(fails, ValueError("a bug")))

    with pytest.raises(OperationalError, match="gone"):
        send_to_keepers_of_rows(signal)

    assert called == ["django_q"]
    assert [record.getMessage() for record in caplog.records if "a bug" not in record.getMessage()] == []
