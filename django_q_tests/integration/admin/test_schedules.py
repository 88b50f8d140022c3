"""The pages of schedules: made, changed, paused, run, and explained."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from django_q.kernel import clock
from django_q.models import OrmQ, Schedule
from django_q.models.schedule import aware
from django_q.tasks import schedule
from django_q.tasks.firing import fire_due
from django_q.testing import run_all
from django_q_tests.support.admin import act, detail, grant, page, statements, text_of

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "operator.add"
LATER = clock.now() + timedelta(days=300)


def form(**fields):
    """Return what a browser posts for a new schedule."""
    return {
        "func": ADD,
        "args": "1, 2",
        "schedule_type": "D",
        "next_run_0": "2040-01-31",
        "next_run_1": "06:30:00",
        "repeats": "-1",
        **fields,
    }


def post(client, pk=None, **fields):
    name, args = ("change", [pk]) if pk else ("add", [])
    return client.post(reverse(f"admin:django_q_schedule_{name}", args=args), form(**fields), follow=True)


def errors_of(response):
    return {name: " ".join(texts) for name, texts in response.context["adminform"].form.errors.items()}


def test_a_schedule_is_made_by_hand(boss):
    assert post(boss, name="sums", options="timeout=60", kwargs="").status_code == 200

    row = Schedule.objects.get()
    assert (row.name, row.func, row.args, row.options) == ("sums", ADD, "1, 2", "timeout=60")
    assert aware(row.anchor) == aware(row.next_run)


@pytest.mark.parametrize(
    "field, words, given",
    [
        ("func", "has no module", {"func": "add"}),
        ("args", "cannot be read", {"args": "1,,"}),
        ("kwargs", "cannot be read", {"kwargs": "x"}),
        ("options", "Did you mean the option", {"options": "timeot=5"}),
        ("options", "timeout=-1 cannot be used", {"options": "timeout=-1"}),
        ("cron", "'60' is not a minute", {"schedule_type": "C", "cron": "60 * * * *"}),
        ("minutes", "needs their number", {"schedule_type": "I"}),
        ("time_zone", "no time zone", {"time_zone": "Mars"}),
        ("repeats", "-1 for ever", {"repeats": "-5"}),
    ],
)
def test_what_cannot_be_scheduled_is_said_beside_the_field(boss, field, words, given):
    response = post(boss, **given)

    assert words in errors_of(response)[field]
    assert not Schedule.objects.exists()


def test_a_name_that_is_taken_is_said_beside_the_field(boss):
    schedule(ADD, 1, 2, name="sums")

    assert "already exists" in errors_of(post(boss, name="sums"))["name"]


def test_a_schedule_is_changed_and_its_error_forgotten(boss):
    row = schedule(ADD, 1, 2, name="sums", next_run=LATER)
    Schedule.objects.update(error="it could not")

    post(boss, row.pk, name="sums", args="5, 6")

    row = Schedule.objects.get()
    assert (row.args, row.schedule_type, row.error) == ("5, 6", "D", "")


def test_the_page_tells_the_next_five_runs_in_words(boss):
    row = schedule(ADD, 1, 2, schedule_type="C", cron="30 6 * * mon", time_zone="Europe/Berlin")

    shown = text_of(detail(boss, "schedule", row.pk))

    runs = re.findall(r"Monday, \d{4}-\d\d-\d\d 06:30:00 CES?T \((?:in|just) [^)]*\)", shown)
    assert len(runs) == 5


def test_the_list_tells_what_becomes_of_each(boss):
    for number in range(3):
        schedule(ADD, 1, number, name=f"daily {number}", schedule_type="D")
    schedule("math.sqrt", -1, name="failing", schedule_type="H")
    fire_due()
    run_all()
    Schedule.objects.filter(name="daily 2").pause()
    Schedule.objects.filter(name="daily 1").update(error="InvalidValue: no")
    schedule(ADD, 1, 2, name="over", repeats=0)
    schedule(ADD, 1, 2, name="often", schedule_type="I", minutes=7, next_run=LATER)

    shown = text_of(page(boss, "schedule"))

    for words in ("paused", "InvalidValue: no", "over", "every 7 minutes", "for ever", "succeeded", "months"):
        assert words in shown
    assert len(re.findall("/failure/[0-9a-f]{32}/", shown)) == 1
    assert len(re.findall("/success/[0-9a-f]{32}/", shown)) == 3


def test_the_list_costs_the_same_however_many_there_are(boss):
    address = reverse("admin:django_q_schedule_changelist")
    schedule(ADD, 1, 2, schedule_type="D")
    fire_due()
    run_all()
    few = len(statements(boss, address))
    for _ in range(20):
        schedule(ADD, 1, 2, schedule_type="D")
    fire_due()
    run_all()

    assert len(statements(boss, address)) == few


@pytest.mark.parametrize("state, names", [("active", {"a"}), ("paused", {"p"}), ("over", {"o"})])
def test_schedules_are_filtered_by_their_state(boss, state, names):
    schedule(ADD, name="a"), schedule(ADD, name="p"), schedule(ADD, name="o", repeats=0)
    Schedule.objects.filter(name="p").pause()

    response = page(boss, "schedule", f"?state={state}")

    assert {row.name for row in response.context["cl"].result_list} == names


def test_schedules_are_found_by_name_and_function(boss):
    schedule(ADD, name="sums"), schedule("math.sqrt", name="roots")

    for words in ("sum", "operator"):
        assert [row.name for row in page(boss, "schedule", f"?q={words}").context["cl"].result_list] == ["sums"]


def test_schedules_are_run_now(boss):
    row = schedule(ADD, 1, 2, schedule_type="D", next_run=LATER)

    act(boss, "schedule", "run_selected", row.pk)

    assert OrmQ.objects.get().args == (1, 2)
    assert aware(Schedule.objects.get().next_run) == LATER


def test_one_that_cannot_be_run_says_why(boss):
    row = schedule(ADD, 1, 2)
    Schedule.objects.update(args="1,,")

    assert "cannot be read" in text_of(act(boss, "schedule", "run_selected", row.pk))
    assert not OrmQ.objects.exists()


def test_schedules_are_paused_and_resumed(boss):
    row = schedule(ADD, 1, 2, schedule_type="D")

    act(boss, "schedule", "pause_selected", row.pk)
    assert "Resume" in text_of(detail(boss, "schedule", row.pk))
    assert fire_due() == 0

    act(boss, "schedule", "resume_selected", row.pk)
    assert Schedule.objects.get().paused_at is None
    assert "was not paused" in text_of(act(boss, "schedule", "resume_selected", row.pk))


def test_who_may_only_look_changes_nothing(client, django_user_model):
    row = schedule(ADD, 1, 2, name="sums")
    client.force_login(django_user_model.objects.create_user("viewer", is_staff=True))
    grant("viewer", "view_schedule")

    assert "sums" in text_of(page(client, "schedule"))
    assert "Run now" not in text_of(detail(client, "schedule", row.pk))
    assert client.post(reverse("admin:django_q_schedule_add"), form()).status_code == 403
    assert client.post(reverse("admin:django_q_schedule_change", args=[row.pk]), form()).status_code == 403
    for action in ("run_selected", "pause_selected", "resume_selected"):
        assert act(client, "schedule", action, row.pk).status_code == 403
    assert Schedule.objects.get().args == "1, 2"


def test_missed_moments_are_on_the_page(boss):
    schedule(ADD, 1, 2, schedule_type="H", next_run=clock.now() - timedelta(hours=3.5), catch_up="skip")
    fire_due()

    shown = text_of(detail(boss, "schedule", Schedule.objects.get().pk))

    assert len(re.findall(r"\((?:an|\d) hours? ago\)", shown)) >= 3


def test_schedules_are_filtered_by_cluster_and_next_run(boss):
    schedule(ADD, 1, 2, name="here", next_run=LATER)
    schedule(ADD, 1, 2, name="there", cluster="mails", next_run=clock.now())

    assert 'href="?cluster=mails"' in text_of(page(boss, "schedule"))
    assert [row.name for row in page(boss, "schedule", "?cluster=mails").context["cl"].result_list] == ["there"]
    today = clock.now().date().isoformat()
    near = page(boss, "schedule", f"?next_run__lt={today}T23:59:59%2B00:00")
    assert [row.name for row in near.context["cl"].result_list] == ["there"]
