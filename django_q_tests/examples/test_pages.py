"""The pages about plans, slots and people."""

from datetime import date, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from django_q.examples.experimenteditor import notify
from django_q.examples.experimenteditor.models import Booking, Experiment, Preferences, RunResult
from django_q.models import OrmQ
from django_q_tests.examples.conftest import write_experiment

EMPTY = {"start": "", "end": "", "email_reminder": ""}


BLANKS = {
    "vehicle": {"repeat_count": "1", "repeat_delay": "0"},
    "frame": {"interface": "can0", "is_extended_can": "on", "length": "8"},
    "traffic": {"interface": "can0", "gap": "200"},
    "update": {"type": "1"},
}


def commands(*rows, **others):
    """What the editor sends: rows of vehicle commands (delay, command, numbers), and rows of other kinds as dicts."""
    kinds = {"vehicle": [dict(zip(("delay", "commandchoice", "quantity"), row, strict=True)) for row in rows], **others}
    fields = {}
    for prefix, blank in BLANKS.items():
        filled = [*kinds.get(prefix, []), {}]  # an empty row is always there
        fields |= {f"{prefix}-TOTAL_FORMS": len(filled), f"{prefix}-INITIAL_FORMS": 0}
        for number, values in enumerate(filled):
            fields |= {f"{prefix}-{number}-{field}": value for field, value in (blank | values).items()}
    return fields


PATHS = [
    "{0}/",
    "{0}/edit/",
    "{0}/visualize/",
    "{0}/delete/",
    "{0}/book/",
    "{0}/move/",
    "runs/{1}/",
    "runs/{1}/results/",
]


@pytest.mark.parametrize("path", ["", "new/", "news/", "preferences/", *(path.format(1, 1) for path in PATHS)])
def test_a_stranger_has_to_log_in(client, path):
    answer = client.get(f"/editor/{path}")

    assert answer.status_code == 302 and "/login/?next=/editor/" in answer.url


@pytest.mark.parametrize("path", [*PATHS, "runs/{1}/state/"])
def test_nobody_sees_the_experiments_of_others(client, run, django_user_model, path):
    client.force_login(django_user_model.objects.create_user("eve"))

    assert client.get("/editor/" + path.format(run.experiment_id, run.pk)).status_code == 404
    assert "my first-test" not in client.get("/editor/").content.decode()


@pytest.mark.parametrize("path", ["{0}/delete/", "{0}/cancel/", "{0}/move/", "{0}/edit/", "runs/{1}/fetch/"])
def test_nobody_changes_the_experiments_of_others(client, run, django_user_model, path):
    client.force_login(django_user_model.objects.create_user("eve"))

    assert client.post("/editor/" + path.format(run.experiment_id, run.pk), EMPTY).status_code == 404
    assert Booking.objects.exists()


def test_the_list_shows_experiments_and_news(page, run):
    text = page("/editor/")

    assert "my first-test" in text and "was just scheduled for" in text


def test_a_title_is_only_text(page, user):
    Experiment.objects.create(created_by=user, experiment_title="<script>alert(1)</script>")
    notify.send("<b>bold</b>", recipient=user, verb="<i>")

    text = page("/editor/")
    assert "<script>alert" not in text and "<b>" not in text and "<i>" not in text


def test_an_experiment_is_written_with_its_commands(page):
    rows = commands((0, "SetThrottle(1)", "40"), (3, "EndExperiment(0)", ""))

    page("/editor/new/", {"experiment_title": "slow start", **rows})

    experiment = Experiment.objects.get(experiment_title="slow start")
    assert [str(command) for command in experiment.get_all_commands_list()] == [
        "0 s: SetThrottle(40)",
        "3 s: EndExperiment()",
    ]
    assert [choice.name for choice in experiment.quantities.all()] == ["axlebasedvehiclespeed"]


def test_commands_of_all_kinds_are_planned_on_one_page(page):
    rows = commands(
        (0, "SetThrottle(1)", "40"),
        frame=[{"delay": "1", "message_id": "1F", "message": "00" * 8}],
        traffic=[{"delay": "2", "frame_limit": "5"}],
        update=[{"delay": "1.5", "type": "2", "value": "60"}],
    )

    text = page("/editor/new/", {"experiment_title": "everything", **rows})

    experiment = Experiment.objects.get(experiment_title="everything")
    kinds = [command.kind for command in experiment.get_all_commands_list()]
    assert kinds == ["Vehicle", "CAN frame", "ECU update", "CAN traffic"]
    for words in ("SetThrottle(40)", "can0 1F#0000", "Governor speed, km/h: 60", "cangen can0, 5 frames"):
        assert words in text


def test_a_command_is_changed_and_deleted_on_the_same_page(page, experiment):
    first, *rest = experiment.onetimessscommands.all()
    rows = commands((1, "SetThrottle(1)", "55"), *([(9, "EndExperiment(0)", "")] * 3))
    rows |= {"vehicle-INITIAL_FORMS": 4, "vehicle-0-id": first.pk}
    for number, command in enumerate(rest, 1):
        rows |= {f"vehicle-{number}-id": command.pk, f"vehicle-{number}-DELETE": "on"}

    page(f"/editor/{experiment.exp_pk}/edit/", {"experiment_title": "less", **rows})

    assert [str(command) for command in experiment.get_all_commands_list()] == ["1 s: SetThrottle(55)"]


def test_a_wrong_command_is_shown_where_it_stands(page):
    rows = commands((0, "SetThrottle(1)", "fast"), frame=[{"delay": "1", "message_id": "xyz"}])

    text = page("/editor/new/", {"experiment_title": "", **rows})

    for complaint in ("are not numbers", "is not hexadecimal", "This field is required"):
        assert complaint in text
    assert not Experiment.objects.exists()


def test_commands_that_outgrow_a_booked_slot_are_refused(page, run, experiment):
    rows = commands((9, "EndExperiment(0)", ""))

    text = page(f"/editor/{experiment.exp_pk}/edit/", {"experiment_title": "longer", **rows})

    assert "longer than the slot. Move the booking first." in text
    experiment.refresh_from_db()
    assert experiment.experiment_title == "my first-test" and len(experiment.get_all_commands_list()) == 4


def test_an_experiment_is_deleted_after_a_question(page, run, experiment):
    path = f"/editor/{experiment.exp_pk}/delete/"
    assert "1 run with all results" in page(path) and Experiment.objects.exists()

    page(path, {})

    assert not Experiment.objects.exists() and not OrmQ.objects.exists()


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
    experiment.onetimessscommands.all().delete()

    assert "has no commands yet" in page(f"/editor/{experiment.exp_pk}/book/", EMPTY)


@pytest.fixture
def warsaw(user):
    return Preferences.objects.create(user=user, time_zone="Europe/Warsaw")


def test_a_form_reads_times_in_the_zone_of_the_user(page, experiment, warsaw):
    day = timezone.now() + timedelta(days=2)

    text = page(f"/editor/{experiment.exp_pk}/book/", {**EMPTY, "start": f"{day:%Y-%m-%d}T12:00:00"})

    run = RunResult.objects.get()
    local = run.start.astimezone(ZoneInfo("Europe/Warsaw"))
    assert (local.day, local.hour) == (day.day, 12) and run.start.hour in (10, 11)
    assert f"{day:%Y-%m-%d} 12:00:00 to" in text and "All times are those of Europe/Warsaw." in text


def test_a_time_that_the_clock_leaves_out_is_refused(page, experiment, warsaw):
    year = timezone.now().year + 1
    sunday = max(day for day in range(25, 32) if date(year, 3, day).weekday() == 6)

    text = page(f"/editor/{experiment.exp_pk}/book/", {**EMPTY, "start": f"{year}-03-{sunday}T02:30:00"})

    assert "it may be ambiguous or it may not exist" in unescape(text) and not Booking.objects.exists()


def test_a_booking_can_be_moved(page, run, warsaw):
    path = f"/editor/{run.experiment_id}/move/"
    shown = run.start.astimezone(ZoneInfo("Europe/Warsaw"))
    assert f'value="{shown:%Y-%m-%dT%H:%M:%S}"' in page(path)
    day = timezone.now() + timedelta(days=2)

    text = page(path, {"start": f"{day:%Y-%m-%d}T12:00:00", "end": "", "email_reminder": "1day"})

    assert "was moved to" in text and "send_experiment_reminder" in text
    assert RunResult.objects.get().start.astimezone(ZoneInfo("Europe/Warsaw")).hour == 12


def test_what_the_vehicle_has_cannot_be_moved(page, run):
    assert "Move the booking" in page(f"/editor/{run.experiment_id}/")
    run.mark_posted()

    assert "Move the booking" not in page(f"/editor/{run.experiment_id}/")
    assert "It is too late for a change" in page(f"/editor/{run.experiment_id}/move/", EMPTY)


def test_preferences_are_kept(page, user):
    assert "português" in page("/editor/preferences/").lower()

    text = page("/editor/preferences/", {"language": "pt-br", "time_zone": "America/Sao_Paulo"})

    chosen = Preferences.objects.get(user=user)
    assert (chosen.language, chosen.time_zone) == ("pt-br", "America/Sao_Paulo")
    assert "All times are those of America/Sao_Paulo." in text
    page("/editor/preferences/", {"language": "", "time_zone": ""})
    assert Preferences.objects.get(user=user).language == ""


@pytest.mark.parametrize("wrong", [{"language": "xx"}, {"time_zone": "Mars/Olympus"}])
def test_preferences_that_nobody_can_follow_are_refused(page, wrong):
    text = page("/editor/preferences/", {"language": "", "time_zone": "", **wrong})

    assert "Select a valid choice" in text and not Preferences.objects.exists()
