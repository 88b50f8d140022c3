"""Statements 41 to 55: attempts, time limits, recycling, two clusters, signals and reporters."""

import acceptance_jobs
import pytest

from django_q.models import Task
from django_q.tasks import async_task, count_group, fetch

statement = pytest.mark.statement


@statement("41", "42")
def test_a_failed_task_is_tried_again_up_to_max_attempts(start, until, lines):
    start("again")
    task_id = async_task("acceptance_jobs.fail_and_note", "again", cluster="again")

    until(lambda: (task := fetch(task_id)) and task.attempt_count == 2)
    assert lines("again") == ["ran", "ran"]


@statement("41")
@pytest.mark.parametrize("name", ["acknowledged", "again"])
def test_a_failure_that_is_acknowledged_is_final(start, until, lines, name):
    start(name)
    note = f"final-{name}"
    task_id = async_task("acceptance_jobs.fail_and_note", note, cluster=name, ack_failure=True)

    assert until(lambda: fetch(task_id)).success is False
    async_task("acceptance_jobs.mark", f"after-{name}", "ran", cluster=name)
    until(lambda: lines(f"after-{name}"))
    assert lines(note) == ["ran"]


@statement("45")
def test_two_clusters_run_each_task_once(start, until, lines):
    for _ in range(2):
        start("first")
    for number in range(200):
        async_task("acceptance_jobs.mark", "first", number, cluster="first", group="forty-five")

    until(lambda: count_group("forty-five") == 200)
    assert sorted(map(int, lines("first"))) == list(range(200))


@statement("48")
def test_a_cluster_has_a_time_limit_and_a_task_may_have_another(start, until):
    start("short")
    by_cluster = async_task(acceptance_jobs.process, 10, cluster="short")
    longer = async_task(acceptance_jobs.process, 2, cluster="short", timeout=15)

    task = until(lambda: fetch(by_cluster))
    assert task.success is False and "imeout" in task.result
    assert until(lambda: fetch(longer)).success is True


@statement("48")
def test_a_task_may_have_a_shorter_limit(ended):
    task = ended(async_task(acceptance_jobs.process, 20, timeout=1))

    assert task.success is False and "imeout" in task.result


@statement("50")
@pytest.mark.parametrize("name", ["recycled", "large"])
def test_a_worker_is_replaced_and_the_rest_is_done(start, until, name):
    from django_q.status import Stat

    start(name)
    group = f"fifty {name}"
    for _ in range(5):
        async_task(acceptance_jobs.process, 0.05, cluster=name, group=group)

    until(lambda: count_group(group) == 5)
    assert len({task.result for task in Task.objects.filter(group=group)}) >= 2
    assert until(lambda: [stat for stat in Stat.get_all() if stat.reincarnations >= 1])


@statement("53")
def test_receivers_are_told_of_a_task_in_worker_and_monitor(start, until, lines):
    start("observed")
    good = async_task("acceptance_jobs.double", 4, cluster="observed")
    bad = async_task("acceptance_jobs.fail", "seen", cluster="observed")

    until(lambda: len(lines("post_execute")) == 2)
    assert f"django_q double acceptance_jobs.double {good}" in lines("pre_execute")
    assert f"django_q double {good} True 8" in lines("post_execute_in_worker")
    assert f"django_q acceptance_jobs.double {good} True 8" in lines("post_execute")
    (told,) = [line for line in lines("post_execute") if line.startswith(f"django_q acceptance_jobs.fail {bad} False")]
    assert "seen" in told
    assert set(lines("post_spawn")) == {"django_q True"}


@statement("55")
def test_a_reporter_that_a_package_offers_is_told_of_failures(start, until, lines):
    start("observed")
    async_task("acceptance_jobs.fail", "reported", cluster="observed")

    until(lambda: "reported" in lines("reported"))
