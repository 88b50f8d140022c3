"""The pages of the editor."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from django_q.examples.experimenteditor import notify, tasks
from django_q.examples.experimenteditor.models import Booking, Experiment, ObservableQuantity, RunResult
from django_q.examples.experimenteditor.plots import plot_of
from django_q.examples.experimenteditor.progress import look, steps_of
from django_q.models import OrmQ
from django_q.tasks import async_task
from django_q_tests.examples.conftest import write_experiment

EMPTY = {"start": "", "end": "", "email_reminder": ""}


@pytest.fixture
def page(client, user):
    """Get a page as its user, or send a form to it; return the text."""
    client.force_login(user)

    def get(path, data=None):
        answer = client.post(path, data, follow=True) if data is not None else client.get(path)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


def commands(*rows):
    fields = {"commands-TOTAL_FORMS": len(rows), "commands-INITIAL_FORMS": 0}
    for number, (delay, name, arguments) in enumerate(rows):
        values = {"delay": delay, "name": name, "arguments": arguments}
        fields |= {f"commands-{number}-{field}": value for field, value in values.items()}
    return fields


@pytest.mark.parametrize("path", ["", "new/", "1/", "1/edit/", "1/visualize/", "1/book/", "runs/1/", "runs/1/results/"])
def test_a_stranger_has_to_log_in(client, path):
    answer = client.get(f"/editor/{path}")

    assert answer.status_code == 302 and "/login/?next=/editor/" in answer.url


@pytest.mark.parametrize("path", ["{0}/", "{0}/edit/", "{0}/visualize/", "{0}/book/", "runs/{1}/", "runs/{1}/results/"])
def test_nobody_sees_the_experiments_of_others(client, run, django_user_model, path):
    client.force_login(django_user_model.objects.create_user("eve"))

    assert client.get("/editor/" + path.format(run.experiment_id, run.pk)).status_code == 404
    assert "my first-test" not in client.get("/editor/").content.decode()


def test_the_list_shows_experiments_and_news(page, run):
    text = page("/editor/")

    assert "my first-test" in text and "was just scheduled for" in text


def test_news_can_be_put_away(page, run):
    page("/editor/news/read/", {})

    assert "was just scheduled for" not in page("/editor/")


def test_a_title_is_only_text(page, user):
    Experiment.objects.create(created_by=user, experiment_title="<script>alert(1)</script>")
    notify.send("<b>bold</b>", recipient=user, verb="<i>")

    text = page("/editor/")
    assert "<script>alert" not in text and "<b>" not in text and "<i>" not in text


def test_an_experiment_is_written_with_its_commands(page):
    rows = commands((0, "SetThrottle", "40"), (3, "EndExperiment", ""), ("", "", ""))

    page("/editor/new/", {"experiment_title": "slow start", **rows})

    experiment = Experiment.objects.get(experiment_title="slow start")
    assert [str(command) for command in experiment.get_all_commands_list()] == [
        "0 s: SetThrottle(40)",
        "3 s: EndExperiment()",
    ]
    assert [choice.name for choice in experiment.quantities.all()] == ["axlebasedvehiclespeed"]


def test_a_wrong_command_is_shown_where_it_stands(page):
    text = page("/editor/new/", {"experiment_title": "wrong", **commands((0, "SetThrottle", "fast"))})

    assert "are not numbers" in text and not Experiment.objects.filter(experiment_title="wrong").exists()


def test_the_page_visualize_chooses_the_series(page, experiment):
    path = f"/editor/{experiment.exp_pk}/visualize/"
    assert "<title>Visualize</title>" in page(path)

    page(path, {"series": ["govspeed"]})

    assert [choice.name for choice in experiment.quantities.all()] == ["govspeed"]


def test_booking_without_a_time_starts_as_soon_as_possible(page, experiment):
    text = page(f"/editor/{experiment.exp_pk}/book/", EMPTY)

    run = RunResult.objects.get()
    assert abs((run.start - timezone.now()).total_seconds() - 30) < 2
    assert run.end - run.start == timedelta(seconds=4)
    assert 'data-run="booked"' in text and "send_experiment_json" in text


def test_the_mail_will_hold_an_absolute_address(page, experiment):
    page(f"/editor/{experiment.exp_pk}/book/", EMPTY)

    run = RunResult.objects.get()
    row = OrmQ.objects.get(pk=run.tasks.get(name="send_complete_mail").task_id)
    assert row.args == (experiment.exp_pk, f"http://testserver{run.get_results_url()}")


@pytest.mark.parametrize(
    ("start", "complaint"), [("2001-01-01T10:00:00", "That time is over"), ("soon", "Enter a valid date/time")]
)
def test_a_time_that_cannot_be_is_refused(page, experiment, start, complaint):
    text = page(f"/editor/{experiment.exp_pk}/book/", {**EMPTY, "start": start})

    assert complaint in text and not Booking.objects.exists()


def test_a_busy_vehicle_is_said_on_the_form(page, run, user):
    other = write_experiment(user, "other")
    start = timezone.localtime(run.start).strftime("%Y-%m-%dT%H:%M:%S")

    assert "The vehicle is busy then" in page(f"/editor/{other.exp_pk}/book/", {**EMPTY, "start": start})


def test_a_booking_can_be_canceled(page, run):
    page(f"/editor/{run.experiment_id}/cancel/", {})

    assert not Booking.objects.exists()


def test_an_experiment_without_commands_cannot_be_booked(page, experiment):
    experiment.commands.all().delete()

    assert "ends before it starts" in page(f"/editor/{experiment.exp_pk}/book/", EMPTY)


def test_the_page_of_a_run_is_final_when_nothing_is_left_to_happen(page, devices, over):
    path = f"/editor/runs/{over.pk}/state/"
    assert "data-final" not in page(path)

    tasks.send_experiment_json.now(over.experiment_id)
    assert 'data-run="posted"' in page(path)
    tasks.make_experiment_available.now(over.experiment_id, over.pk)
    assert 'data-run="complete"' in page(path) and "data-final" not in page(path)

    OrmQ.objects.all().delete()
    assert "data-final" in page(path)


def test_results_are_drawn_and_the_log_has_pages(page, devices, over, monkeypatch):
    monkeypatch.setattr("django_q.examples.experimenteditor.views.LINES_PER_PAGE", 20)
    tasks.send_experiment_json.now(over.experiment_id)
    tasks.make_experiment_available.now(over.experiment_id, over.pk)

    text = page(over.get_results_url())

    curves = re.findall(r'class="curve" points="([^"]+)"', text)
    assert [len(curve.split()) for curve in curves] == [41, 41]
    assert "command SetThrottle(80)" in text and "Page 1 of 3" in text
    assert "command EndExperiment()" in page(f"{over.get_results_url()}?page=3")


def test_what_could_not_be_fetched_can_be_asked_for_again(page, devices, over):
    tasks.send_experiment_json.now(over.experiment_id)
    RunResult.objects.filter(pk=over.pk).update(error="no plot", fetch_tries=5)
    assert "Fetch the results again" in page(over.get_absolute_url())

    page(f"/editor/runs/{over.pk}/fetch/", {})

    over.refresh_from_db()
    assert (over.error, over.fetch_tries) == ("", 0)
    assert over.tasks.filter(name="make_experiment_available").count() == 2


def test_no_page_holds_a_script_or_a_style_of_its_own(page, devices, over):
    tasks.send_experiment_json.now(over.experiment_id)
    tasks.make_experiment_available.now(over.experiment_id, over.pk)
    number = over.experiment_id
    paths = ["", "new/", f"{number}/", f"{number}/visualize/", f"{number}/book/", f"runs/{over.pk}/results/"]

    for path in paths:
        text = page(f"/editor/{path}")
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", text)


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


@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0, 0.0], [1.0, 250.0, 3.0], [1e-9, 1e9]])
def test_a_plot_stays_inside_its_frame(values):
    quantity = ObservableQuantity(name="govspeed", xdata=[1e9 + i for i in range(len(values))], ydata=values)

    plot = plot_of(quantity)

    points = [tuple(map(float, point.split(","))) for point in plot.points.split()]
    assert all(plot.left <= x <= plot.right and plot.top <= y <= plot.bottom for x, y in points)
    assert 2 <= len(plot.y_ticks) <= 12 and len(plot.x_ticks) <= 12


def test_a_long_series_is_thinned_out():
    plot = plot_of(ObservableQuantity(name="govspeed", xdata=list(range(100_000)), ydata=[1.0] * 100_000))

    assert len(plot.points.split()) < 1300
