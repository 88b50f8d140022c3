"""``manage.py qprune``."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from django_q.engine import retention
from django_q.kernel import clock, ids
from django_q.models import Task

pytestmark = pytest.mark.django_db

DAYS = (0, 3, 10, 40)


@pytest.fixture(autouse=True)
def history():
    for days in DAYS:
        for success in (True, False):
            moment = clock.now() - timedelta(days=days, minutes=1)
            fields = {"name": f"{'good' if success else 'bad'} {days}", "func": "f", "success": success}
            Task.objects.create(id=ids.new_id(), enqueued_at=moment, started=moment, stopped=moment, **fields)


def qprune(*options):
    out = io.StringIO()
    call_command("qprune", *options, stdout=out)
    return out.getvalue()


def left():
    return set(Task.objects.values_list("name", flat=True))


def test_it_deletes_what_the_settings_do_not_keep():
    assert qprune() == "successes: 2 deleted\nfailures: 1 deleted\n"
    assert left() == {"good 0", "good 3", "bad 0", "bad 3", "bad 10"}
    assert qprune() == "successes: 0 deleted\nfailures: 0 deleted\n"
    assert qprune("--verbosity", "0") == ""


def test_a_limit_can_be_another_this_once():
    qprune("--successes", "1", "--failures", "0")

    assert left() == {"good 0"}


def test_the_newest_successes_can_be_kept():
    assert json.loads(qprune("--keep", "1", "--json")) == {
        "successes": 2,
        "successes beyond the newest": 1,
        "failures": 1,
    }
    assert {name for name in left() if name.startswith("good")} == {"good 0"}


def test_a_dry_run_only_counts():
    assert qprune("--dry-run", "--successes", "0") == "successes: 4 would be deleted\nfailures: 1 would be deleted\n"
    assert len(left()) == 8


@override_settings(Q_CLUSTER={"keep_successes": None, "keep_failures": None})
def test_what_is_kept_for_ever_is_not_looked_at():
    assert qprune() == ""
    assert len(left()) == 8


def test_it_deletes_in_batches_until_nothing_is_left(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 1)

    assert qprune("--successes", "0") == "successes: 4 deleted\nfailures: 1 deleted\n"


@pytest.mark.parametrize(
    "options", [("--successes", "-1"), ("--failures", "soon"), ("--keep", "1.5"), ("--keep", "-1")]
)
def test_a_limit_is_a_number(options):
    with pytest.raises(CommandError, match="write 0 or more"):
        qprune(*options)
