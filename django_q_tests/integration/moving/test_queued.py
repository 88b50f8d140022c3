"""What waited in Django Q's queue, in ours."""

import json
import math
from datetime import timedelta

import pytest
from django.core.management import CommandError

from django_q.kernel.states import TaskState
from django_q.models import OrmQ, Task
from django_q.models.schedule import aware
from django_q.tasks import result
from django_q.testing import run_all
from django_q_tests.integration.moving import old
from django_q_tests.support import factories

pytestmark = pytest.mark.django_db


def only():
    return OrmQ.objects.get()


def test_a_call_keeps_its_id_its_name_its_moment_and_its_options(move):
    started = old.moment(-500)
    options = {"group": "mails", "hook": "shop.hooks.sent", "timeout": 30, "save": False, "cached": 60}
    id = old.queued(key="mails", task_name="x", name="first mail", started=started, ack_failure=True, **options)

    report = move()

    row = only()
    assert report["queued"]["moved"] == 1
    assert (row.pk, row.name, row.queue, row.group, row.hook) == (id, "first mail", "mails", "mails", "shop.hooks.sent")
    assert (row.args, row.kwargs, row.state) == ((1, -2), {}, TaskState.READY)
    assert abs(row.enqueued_at - started) < timedelta(milliseconds=1)
    assert json.loads(row.options) == {"timeout": 30, "save": False, "cached": 60, "ack_failure": True}


def test_a_moved_call_runs_under_its_old_id_before_new_ones(move):
    id = old.queued(compress=True)
    new = factories.put(3, -4)

    move()

    assert list(OrmQ.objects.order_by("-priority", "pk").values_list("pk", flat=True)) == [id, new]
    run_all()
    assert result(id) == -1.0


def test_a_function_may_be_pickled_or_a_built_in_one(move):
    by_object, by_name = old.queued(json.dumps, ({"a": 1},)), old.queued("len", ("four",))

    move()
    run_all()

    assert (result(by_object), result(by_name)) == ('{"a": 1}', 4)


def test_a_call_that_was_signed_with_a_replaced_key_is_moved(move, settings):
    settings.SECRET_KEY_FALLBACKS = ["the old one"]
    id = old.queued(secret="the old one")

    assert move()["queued"]["moved"] == 1
    assert only().pk == id


@pytest.mark.parametrize("how", [{"secret": "somebody else's"}, {"salt": "another site"}])
def test_what_is_not_signed_by_us_is_never_unpickled_whatever_is_trusted(move, texts, tmp_path, how):
    old.queued(args=(old.Bomb(tmp_path / "exploded"),), **how)

    report = move("--trust-pickles")

    assert report["queued"]["left"] == 1
    assert "1: it is not signed with this SECRET_KEY under the name 'default'" in texts(report["queued"]["stays"])
    assert not (tmp_path / "exploded").exists()
    assert not OrmQ.objects.exists()


def test_a_call_of_a_cluster_with_another_name_is_moved_when_that_is_given(move):
    old.queued(salt="another site")
    assert move()["queued"]["left"] == 1

    assert move("--name", "another site")["queued"] | {"notes": []} == {
        "found": 1, "moved": 1, "before": 0, "needless": 0, "completed": 0, "left": 0, "stays": [], "notes": [],
    }  # fmt: skip


def test_what_cannot_be_moved_stays_and_stops_no_other(move, texts, tmp_path, monkeypatch):
    module = tmp_path / "renamed_since.py"
    module.write_text("class Thing:\n    pass\n\ndef use(thing):\n    return 'used'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import renamed_since

    used = old.queued("renamed_since.use", (renamed_since.Thing(),))
    monkeypatch.delitem(__import__("sys").modules, "renamed_since")
    module.rename(tmp_path / "elsewhere.py")
    __import__("importlib").invalidate_caches()
    old.queued("no path at all")
    old.queued(id="x" * 40)
    old.OldQueued.objects.create(key="default", payload="nonsense", lock=old.moment(-1))
    fine = old.queued()

    report = move()

    stays = texts(report["queued"]["stays"])
    assert (report["queued"]["moved"], report["queued"]["left"]) == (1, 4)
    assert "it cannot be unpickled here (ModuleNotFoundError: No module named 'renamed_since')" in stays
    assert "it cannot be enqueued: 'no path at all' has no module" in stays
    assert "is no text of 1 to 32 characters" in stays
    assert only().pk == fine

    (tmp_path / "elsewhere.py").rename(module)
    __import__("importlib").invalidate_caches()
    assert move()["queued"]["moved"] == 1
    run_all()
    assert result(used) == "used"


def test_what_the_database_refuses_stays_alone(move, texts):
    id = old.new_id()
    old.queued(args=(1, 1), id=id)
    old.queued(args=(2, 2), id=id)
    old.queued()

    report = move()

    assert (report["queued"]["moved"], report["queued"]["left"]) == (2, 1)
    assert "1: the database refuses it: " in texts(report["queued"]["stays"])
    assert OrmQ.objects.count() == 2


def test_a_call_that_ran_and_left_nothing_is_not_moved_again(move):
    id = old.queued(save=False)
    move()
    run_all()
    assert not Task.objects.filter(pk=id).exists()

    again = move()["queued"]

    assert (again["before"], again["moved"]) == (1, 0)
    assert not OrmQ.objects.exists()


def test_a_leased_call_is_not_moved_before_its_cluster_is_said_to_have_stopped(move, texts):
    until = old.moment(60)
    old.queued(lock=until)

    with pytest.raises(CommandError, match="1 queued rows are leased until .* Stop the old clusters, wait until then"):
        move()
    assert not OrmQ.objects.exists()
    assert "1 queued rows are leased" in "\n".join(move("--dry-run")["remarks"])

    report = move("--include-leased")
    assert "1: it was leased" in texts(report["queued"]["notes"])
    row = only()
    assert row.state == TaskState.DEFERRED
    assert abs(row.run_after - until) < timedelta(milliseconds=1)


def test_a_call_without_a_lock_stays_since_django_q_would_not_run_it(move, texts):
    old.queued(lock=None)

    assert "1: its lock is empty" in texts(move()["queued"]["stays"])


@pytest.mark.parametrize("trusted", [True, False])
def test_the_failed_attempts_of_a_call_that_waits_are_on_its_record_and_not_in_the_history(move, texts, trusted):
    error = 'broken : Traceback (most recent call last):\n  File "x.py", line 1, in f\nValueError: broken\n'
    id = old.queued()
    old.ended(error, id=id, success=False, attempt_count=3)

    report = move(*["--trust-pickles"] * trusted)

    row = only()
    assert "1: an earlier attempt of a task that waits" in texts(report["history"]["notes"])
    assert row.attempts == 3
    assert [each["error"] for each in json.loads(row.errors or "[]")] == ["ValueError: broken"] * trusted
    assert not Task.objects.exists()
    run_all()
    assert Task.objects.get(pk=id).attempt_count == 4
    assert move("--trust-pickles")["history"]["before"] == 1


def test_a_call_whose_success_is_in_the_history_does_not_run_again(move, texts):
    id = old.queued()
    old.ended(-1.0, id=id)

    for report in (move(), move()):
        assert report["left"] == 0
    assert not OrmQ.objects.exists()
    assert Task.objects.get().pk == id


def test_a_call_whose_failure_was_moved_first_gets_another_id(move, texts):
    id = old.queued(salt="another site")
    old.ended("broken", id=id, success=False)
    move()

    report = move("--name", "another site")

    assert "1: a task with its id is here already" in texts(report["queued"]["notes"])
    assert Task.objects.get().pk == id != only().pk
    run_all()
    assert Task.objects.count() == 2


def test_a_call_whose_failure_was_moved_and_deleted_since_is_moved(move):
    id = old.queued(salt="another site")
    old.ended("broken", id=id, success=False)
    move()
    Task.objects.all().delete()

    assert move("--name", "another site")["queued"]["moved"] == 1
    assert only().pk == id


def test_the_rest_of_a_chain_waits_and_goes_on_after_a_failure(move):
    rest = [
        ("math.sqrt", (-1,)),
        ("json.dumps", ([1],), {"timeout": 7, "indent": None, "cluster": "slow"}),
        "time.tzset",
    ]
    head = old.queued(chain=rest, group="steps", cached=False, sync=False)

    move()

    rows = list(OrmQ.objects.order_by("state", "pk"))
    first = OrmQ.objects.get(pk=head)
    assert {row.chain for row in rows} == {first.chain}
    assert {row.group for row in rows} == {"steps"}
    assert sorted(row.state for row in rows) == [TaskState.WAITING] * 3 + [TaskState.READY]
    third = OrmQ.objects.get(func="json.dumps")
    assert (third.queue, third.kwargs, json.loads(third.options)["timeout"]) == ("slow", {"indent": None}, 7)
    OrmQ.objects.leave_to("default")
    run_all()
    ends = Task.objects.order_by("started", "pk").values_list("func", "success")
    assert list(ends) == [("math.copysign", True), ("math.sqrt", False), ("json.dumps", True), ("time.tzset", True)]


def test_the_rest_of_a_chain_whose_head_had_failed_is_not_enqueued_twice(move, texts):
    head = old.queued(chain=["time.tzset"], group="steps", cached=False, sync=False)
    old.ended("broken", id=head, success=False)

    report = move()

    assert "1: its chain went on at its first attempt" in texts(report["queued"]["notes"])
    assert only().pk == head


@pytest.fixture
def items():
    """Enqueue items of an iteration, as many as there are numbers, and return its id."""

    def enqueue(*numbers, of=None, **package):
        whole = old.new_id()
        for number in numbers:
            cached = {"cached": True, "iter_count": of or len(numbers)}
            old.queued("math.sqrt", (number,), group=whole, **cached, **package)
        return whole

    return enqueue


def test_an_iteration_whose_items_all_wait_is_collected_under_its_id(move, texts, items):
    whole, other = items(4, 9, 16), items(25)

    report = move("--batch", "2")

    assert report["queued"]["moved"] == 4
    assert "2: an iteration of async_iter() whose items all wait" in texts(report["queued"]["notes"])
    run_all()
    assert sorted(result(whole)) == [2, 3, 4]
    assert result(other) == [5]
    assert [[math.sqrt(number) for (number,) in calls] for calls in Task.objects.get(pk=whole).args] == [result(whole)]
    assert move()["queued"]["notes"] == []


def test_an_iteration_of_which_items_had_ended_becomes_tasks_of_its_group(move, texts, items):
    whole = items(4, 9, of=3)

    for report in (move("--dry-run"), move(), move()):
        assert "1: an iteration of async_iter() of which some items had ended" in texts(report["queued"]["notes"])
    run_all()
    assert result(whole) is None
    assert sorted(task.result for task in Task.objects.filter(group=whole, chain=None)) == [2, 3]


def test_an_iteration_whose_last_items_are_moved_by_a_later_run_is_collected_then(move, items):
    whole = items(4, 9)
    again = old.OldQueued.objects.order_by("-pk").values().first()
    old.OldQueued.objects.filter(pk=again["id"]).delete()
    move()
    run_all()
    old.OldQueued.objects.create(**again)

    assert move()["queued"]["moved"] == 1
    run_all()
    assert sorted(result(whole)) == [2, 3]


def test_a_cached_iteration_is_cached_as_a_whole(move, items):
    whole = items(4, iter_cached=60)

    move()

    assert json.loads(OrmQ.objects.get(pk=whole).options) == {"cached": 60, "items": 1}


def test_an_option_that_cannot_be_used_here_is_left_out_and_told(move, texts):
    id = old.queued(group="g" * 101, timeout=-1, hook="no path", name="n" * 120)

    report = move()

    notes = texts(report["queued"]["notes"])
    row = OrmQ.objects.get(pk=id)
    assert (row.group, row.hook, row.options, len(row.name)) == (None, None, "", 100)
    assert "without an option that cannot be used here: group='ggg" in notes
    assert "without an option that cannot be used here: 'no path' has no module" in notes


def test_moments_of_a_project_without_time_zones_are_kept(move, settings):
    settings.USE_TZ = False
    until = old.moment(60)
    old.queued(lock=until, started=until - timedelta(days=1))

    move("--include-leased")

    row = only()
    assert abs(row.run_after - until) < timedelta(milliseconds=1)
    assert abs(row.enqueued_at - until + timedelta(days=1)) < timedelta(milliseconds=1)


def test_a_moment_without_time_zone_is_read_in_the_one_of_the_settings(move, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    naive = old.LONG_AGO.replace(tzinfo=None)
    old.queued(started=naive)

    move()

    assert aware(only().enqueued_at).isoformat() == "2026-01-31T08:30:00+00:00"


def test_more_rows_than_a_batch_holds_are_all_moved(move):
    ids = {old.queued() for _ in range(5)}

    assert move("--batch", "2")["queued"]["moved"] == 5
    assert set(OrmQ.objects.values_list("pk", flat=True)) == ids


def test_a_dry_run_says_the_same_and_writes_nothing(move):
    old.queued()
    old.queued(salt="another")
    old.ended()
    old.scheduled()

    foretold = move("--dry-run")

    assert not OrmQ.objects.exists() and not Task.objects.exists()
    assert foretold | {"dry_run": False} == move()
