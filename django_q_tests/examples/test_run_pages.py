"""The pages of a run: how far it is, what it brought, and what its owner was told."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_q.examples.experimenteditor import bookings, notify
from django_q.examples.experimenteditor.models import Notification, Preferences, RunResult
from django_q.examples.experimenteditor.progress import look, steps_of
from django_q.models import OrmQ
from django_q.tasks import async_task
from django_q_tests.examples.conftest import collect, post


def stages(text):
    """What the list of stages says: name -> class."""
    return {name: state for state, name in re.findall(r'<li class="(\w+)" data-stage="(\w+)"', text)}


def pass_by(run):
    """Let the slot be over."""
    RunResult.objects.filter(pk=run.pk).update(end=timezone.now() - timedelta(seconds=1))


def test_the_page_of_a_run_shows_its_stages_one_after_the_other(page, devices, run):
    path = run.get_absolute_url()
    assert stages(page(path)) == {"planned": "done", "started": "now", "finished": "ahead", "results": "ahead"}

    post(run)
    assert stages(page(path)) == {"planned": "done", "started": "done", "finished": "now", "results": "ahead"}
    pass_by(run)
    assert stages(page(path)) == {"planned": "done", "started": "done", "finished": "done", "results": "now"}
    collect(run)
    assert set(stages(page(path)).values()) == {"done"}


def test_a_stage_that_fails_is_shown_as_such(page, devices, run):
    devices.break_down("post", status=400)
    post(run)

    text = page(run.get_absolute_url())
    assert stages(text) == {"planned": "done", "started": "failed", "finished": "ahead", "results": "ahead"}
    assert 'data-run="failed"' in text and "Error Code: 400" in text


def test_the_page_of_a_run_is_final_when_nothing_is_left_to_happen(page, devices, due):
    path = f"/editor/runs/{due.pk}/state/"
    assert "data-final" not in page(path)

    post(due)
    assert 'data-run="posted"' in page(path)
    collect(due)
    assert 'data-run="complete"' in page(path) and "data-final" not in page(path)

    OrmQ.objects.all().delete()
    assert "data-final" in page(path)


def test_the_page_of_a_run_works_without_javascript(page, run):
    text = page(run.get_absolute_url())

    assert "<noscript>" in text and 'aria-label="Progress"' in text and "send_experiment_json" in text


def test_an_error_of_a_device_is_only_text(page, devices, run):
    devices.break_down("post", text="<script>alert(1)</script>")

    post(run)

    for path in ("", run.get_absolute_url().removeprefix("/editor/"), "news/"):
        text = page(f"/editor/{path}")
        assert "<script>alert" not in text and "&lt;script&gt;alert" in text


def test_what_could_not_be_fetched_can_be_asked_for_again(page, devices, posted):
    RunResult.objects.filter(pk=posted.pk).update(error="no plot", fetch_tries=5)
    assert "Fetch the results again" in page(posted.get_absolute_url())

    for _ in range(2):  # two clicks
        page(f"/editor/runs/{posted.pk}/fetch/", {})

    posted.refresh_from_db()
    assert (posted.error, posted.fetch_tries) == ("", 0)
    assert posted.tasks.filter(name="make_experiment_available").count() == 2


def test_what_was_never_posted_cannot_be_fetched(page, run):
    RunResult.objects.filter(pk=run.pk).update(error="failed")

    page(f"/editor/runs/{run.pk}/fetch/", {})
    assert not run.tasks.filter(name="make_experiment_available").exists()


# --- results -------------------------------------------------------------------------------------------------------


def test_results_are_shown_with_the_times_of_the_user(page, devices, posted, user):
    Preferences.objects.create(user=user, time_zone="Asia/Kathmandu")
    collect(posted)

    text = page(posted.get_results_url())

    curves = re.findall(r'<polyline class="curve" points="([^"]+)"', text)
    assert [len(curve.split()) for curve in curves] == [41, 41]
    assert "seconds since the first value</text>" in text and "km/h</text>" in text
    start = RunResult.objects.get().quantities.first().xdata[0]
    local = datetime.fromtimestamp(start, ZoneInfo("Asia/Kathmandu"))
    assert f"{local:%H:%M:%S}.{local.microsecond // 1000:03d} command SetThrottle(80)\n" in text
    assert "Lines 1 to 45 of 45" in text


def test_a_text_is_shown_as_text(page, devices, experiment):
    experiment.quantities.create(name="vin")
    start = timezone.now() + timedelta(seconds=80)
    run = bookings.book(experiment, start, start + timedelta(seconds=10))
    post(run), collect(run)

    text = page(run.get_results_url())
    section = text[text.index('data-series="vin"') :].partition("</section>")[0]
    assert "1TRUCK00000000001" in section and section.count("<li>") == 1 and "<svg" not in section


@pytest.fixture
def long(posted):
    posted.store_part([f"86400.5 line {number}\n" for number in range(1, 1201)], last=True)
    return posted


@pytest.mark.parametrize(
    ("number", "first", "last"),
    [("1", 1, 500), ("2", 501, 1000), ("3", 1001, 1200), ("last", 1001, 1200), ("9", 1001, 1200)],
)
def test_a_long_log_is_shown_page_by_page(page, long, number, first, last):
    text = page(f"{long.get_results_url()}?page={number}")

    assert f"Lines {first} to {last} of 1200" in text
    shown = re.findall(r"line (\d+)\n", text)
    assert (int(shown[0]), int(shown[-1]), len(shown)) == (first, last, last - first + 1)


def test_no_more_of_a_log_is_read_than_the_page_that_is_shown(page, long):
    with CaptureQueriesContext(connection) as queries:
        page(f"{long.get_results_url()}?page=2")

    texts = [query["sql"] for query in queries if "logpage" in query["sql"] and "text" in query["sql"].lower()]
    assert len(texts) == 1 and "LIMIT 1" in texts[0]


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30])
def test_a_page_of_a_log_that_cannot_be_does_not_exist(client, user, long, number):
    client.force_login(user)

    assert client.get(f"{long.get_results_url()}?page={number}").status_code == 404


def test_a_run_without_results_says_so(page, run):
    text = page(run.get_results_url())

    assert "No data." in text and "No log." in text and "not everything is here yet" in text


def test_no_page_holds_a_script_or_a_style_of_its_own(page, devices, posted):
    collect(posted)
    number = posted.experiment_id
    paths = ["", "new/", "news/", "preferences/", f"runs/{posted.pk}/", f"runs/{posted.pk}/results/"]
    paths += [f"{number}/{name}" for name in ("", "edit/", "visualize/", "book/", "delete/")]

    for path in paths:
        text = page(f"/editor/{path}")
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", text)


# --- news ----------------------------------------------------------------------------------------------------------


def test_news_stand_on_every_page_with_their_level_until_they_are_dismissed(page, run):
    for path in ("/editor/", run.get_absolute_url(), run.experiment.get_absolute_url()):
        assert "was just scheduled for" in page(path) and "Info:" in page(path)
    (news,) = Notification.objects.all()

    page(f"/editor/news/{news.pk}/read/", {})

    assert "was just scheduled for" not in page("/editor/")
    assert "was just scheduled for" in page("/editor/news/")


def test_all_news_can_be_dismissed_at_once(page, run, user):
    notify.send("fire", recipient=user, verb="is burning", level="error")
    assert "Error:" in page("/editor/")

    page("/editor/news/read/", {})
    assert "is burning" not in page("/editor/") and "was just scheduled" not in page("/editor/")


def test_who_dismisses_news_stays_on_his_page(client, run, user):
    client.force_login(user)
    path = run.get_absolute_url()

    assert client.post("/editor/news/read/", {"next": path}).url == path
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        assert client.post("/editor/news/read/", {"next": elsewhere}).url == "/editor/"


def test_nobody_dismisses_the_news_of_others(client, run, django_user_model):
    client.force_login(django_user_model.objects.create_user("eve"))
    (news,) = Notification.objects.all()

    client.post(f"/editor/news/{news.pk}/read/")
    assert Notification.objects.get().unread


# --- what pages are made of ----------------------------------------------------------------------------------------


def test_the_steps_of_a_run_stand_in_the_order_of_their_time(run):
    assert [(step.name, step.state) for step in steps_of(run)] == [
        ("send_experiment_json", "planned"),
        ("send_complete_mail", "planned"),
    ]


def test_steps_are_looked_up_in_two_queries(run, django_assert_num_queries):
    ids = [(task.task_id, task.name, task.due) for task in run.tasks.all()]

    with django_assert_num_queries(2):
        look(ids * 3)


def test_a_step_says_how_it_ended(db):
    good = async_task("math.copysign", 2, -2, sync=True)
    queued = async_task("math.copysign", 2, -2)

    states = {step.name: (step.state, step.detail) for step in look([(good, "good", None), (queued, "next", None)])}

    assert states == {"good": ("succeeded", "-2.0"), "next": ("queued", "")}
    assert look([("0" * 32, "lost", None)])[0].state == "gone"
