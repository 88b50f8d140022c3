"""The task that posts an experiment, against real devices."""

from datetime import timedelta

import pytest
from django.utils import timezone

from django_q.examples.experimenteditor import tasks, wire
from django_q.examples.experimenteditor.models import Booking, RunResult
from django_q.models import OrmQ
from django_q_tests.examples.conftest import collect, post, told, use

pytestmark = pytest.mark.django_db

FETCH = "make_experiment_available"


def test_the_engine_gets_the_experiment_and_the_results_are_asked_for_later(devices, run):
    assert post(run).endswith("was posted.")

    assert devices.posts == [wire.body_of(run)]
    run.refresh_from_db()
    assert run.posted_at
    follow_up = OrmQ.objects.get(pk=run.tasks.get(name=FETCH).task_id)
    assert follow_up.args == (run.experiment_id, run.pk)
    assert abs((follow_up.run_after - run.end - timedelta(seconds=15)).total_seconds()) < 1
    assert any(verb.startswith("has been started and will be available at") for verb in told("info"))


def test_a_retry_does_not_post_again(devices, run):
    post(run)

    assert post(run).endswith("was posted before.")
    assert len(devices.posts) == 1 and run.tasks.filter(name=FETCH).count() == 1


def test_a_retry_after_a_failure_behind_the_post_goes_on_without_posting(devices, run, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(tasks.owners.notify, "send", None)
        with pytest.raises(TypeError):
            post(run)
    assert not run.tasks.filter(name=FETCH).exists()

    post(run)

    assert len(devices.requests) == len(devices.posts) == 1
    assert run.tasks.filter(name=FETCH).count() == 1


def test_an_answer_that_was_lost_does_not_start_the_experiment_twice(devices, run):
    devices.break_down("post", hang_up="unanswered")
    assert "Will be tried again" in post(run)

    post(run)

    assert len(devices.requests) == 2 and len(devices.posts) == 1
    assert RunResult.objects.get(pk=run.pk).posted_at


def test_an_engine_that_says_200_with_an_error_is_noticed(devices, run):
    devices.break_down("post", text="Scheduling Experiment returned with an error: busy")

    assert "returned with an error: busy" in post(run)

    run.refresh_from_db()
    assert run.posted_at is None and "busy" in run.error
    assert told("error") == ["failed to start. Please reschedule the experiment."]
    assert set(run.tasks.values_list("name", flat=True)) == {"send_experiment_json"}


def test_an_engine_that_refuses_is_not_asked_again(devices, run):
    devices.break_down("post", status=403)

    post(run)

    assert told("error") == ["failed to start. Please reschedule the experiment. (Error Code: 403)"]
    run.experiment.refresh_from_db()
    assert not Booking.objects.exists() and not run.experiment.is_scheduled


@pytest.mark.parametrize("fault", [{"status": 503}, {"hang_up": "unheard"}, {"hang_up": "halfway"}, {"seconds": 30}])
def test_an_engine_in_trouble_is_asked_again_before_the_start(devices, run, settings, fault):
    run.tasks.update(due=timezone.now())
    use(settings, devices.url, HTTP_TIMEOUT=0.3)
    devices.break_down("post", **fault)

    assert "Will be tried again" in post(run)

    again = run.tasks.filter(name="send_experiment_json").latest("pk")
    assert OrmQ.objects.get(pk=again.task_id).get_state_display() == "deferred"
    assert (again.due - timezone.now()).total_seconds() < 6
    assert told("error") == []


def test_an_engine_that_does_not_exist_is_asked_again_too(run, settings):
    use(settings, "http://127.0.0.1:9/")

    assert "ConnectionError" in post(run)


def test_an_engine_in_trouble_until_the_start_is_told_once(devices, due):
    devices.break_down("post", times=None, status=500)

    assert "failed to start" in post(due) and "not booked" in post(due)

    assert told("error") == ["failed to start. Please reschedule the experiment. (Error Code: 500)"]


@pytest.mark.parametrize("code", [post, collect])
def test_a_task_of_a_deleted_experiment_ends_quietly(devices, run, code):
    run.experiment.delete()

    assert "no run" in code(run) or "not booked" in code(run)
    assert devices.requests == []


def test_a_late_cluster_does_not_post_after_the_slot(devices, over):
    assert "The slot was over" in post(over)

    assert devices.requests == [] and not Booking.objects.exists()
    assert told("error") == ["failed to start. Please reschedule the experiment."]


def test_a_task_of_an_older_plan_posts_nothing(devices, run):
    RunResult.objects.update(start=run.start + timedelta(hours=1), end=run.end + timedelta(hours=1))

    assert "planned anew" in post(run) and devices.requests == []


def test_a_plan_that_changes_at_the_last_moment_is_not_posted(devices, run, monkeypatch):
    real = RunResult.begin_post

    def change_first(self):
        RunResult.objects.filter(pk=self.pk).update(start=self.start + timedelta(hours=1))
        return real(self)

    monkeypatch.setattr(RunResult, "begin_post", change_first)

    assert "planned anew" in post(run) and devices.requests == []


def test_a_worker_that_died_before_it_noted_the_answer_does_not_start_the_experiment_twice(devices, run, monkeypatch):
    with monkeypatch.context() as dead:
        dead.setattr(RunResult, "mark_posted", None)
        with pytest.raises(TypeError):
            post(run)

    post(run)

    assert len(devices.requests) == 2 and len(devices.posts) == 1


@pytest.mark.parametrize("fault", [{"hang_up": "unanswered"}, {"hang_up": "halfway"}, {"seconds": 30}], ids=str)
def test_an_engine_without_keys_gets_no_second_post_when_nobody_knows(devices, run, settings, fault):
    use(settings, devices.url, ENGINE_KNOWS_KEYS=False, HTTP_TIMEOUT=0.3)
    devices.break_down("post", **fault)

    assert "It is not known whether" in post(run)

    assert len(devices.requests) == 1 and told("error") == ["failed to start. Please reschedule the experiment."]


def test_an_engine_without_keys_gets_no_second_post_after_a_death(devices, run, settings, monkeypatch):
    use(settings, devices.url, ENGINE_KNOWS_KEYS=False)
    with monkeypatch.context() as dead:
        dead.setattr(RunResult, "mark_posted", None)
        with pytest.raises(TypeError):
            post(run)

    assert "It is not known whether" in post(run)
    assert len(devices.requests) == 1


@pytest.mark.parametrize("fault", [{"hang_up": "unanswered"}, {"status": 503}], ids=str)
def test_a_title_that_changes_between_two_tries_makes_no_second_experiment(devices, run, fault):
    devices.break_down("post", **fault)
    post(run)
    run.experiment.experiment_title = "another title"
    run.experiment.save()

    assert post(run).endswith("was posted.")

    (body,) = devices.posts
    assert body["Info"]["ExperimentName"] == RunResult.objects.get(pk=run.pk).sent_as
    assert body["Info"]["ExperimentName"].startswith("AnotherTitle" if "status" in fault else "MyFirsttest")


def test_an_engine_without_keys_is_asked_again_after_a_clear_no(devices, run, settings):
    use(settings, devices.url, ENGINE_KNOWS_KEYS=False)
    devices.break_down("post", status=503)

    assert "Will be tried again" in post(run)
    assert post(run).endswith("was posted.")


def test_a_try_that_is_run_again_enqueues_no_second_try(devices, run):
    run.tasks.update(due=timezone.now())
    devices.break_down("post", times=2, status=503)

    post(run), post(run)

    assert run.tasks.filter(name="send_experiment_json").count() == 2


def test_the_engine_sends_nobody_elsewhere(devices, run):
    devices.break_down("post", status=302)

    assert "Error Code: 302" in post(run) and len(devices.requests) == 1


def test_an_answer_that_trickles_does_not_hold_a_worker(devices, run, settings):
    use(settings, devices.url, HTTP_LIMIT=0.5)
    devices.break_down("post", text="no" * 500, trickle=0.1)

    before = timezone.now()
    assert "has not said everything in 0.5 s" in post(run)
    assert (timezone.now() - before).total_seconds() < 2
