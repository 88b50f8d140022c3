"""The mails of the experiment editor: what they say, when they are sent, and that a real server gets them."""

import smtplib
from datetime import timedelta
from zoneinfo import ZoneInfo

import django
import pytest
from django.conf.global_settings import LANGUAGES
from django.core import mail
from django.utils import timezone, translation

from django_q.examples.experimenteditor import bookings, tasks
from django_q.examples.experimenteditor.models import Booking, Preferences, RunResult
from django_q.examples.experimenteditor.words import humanize
from django_q.models import OrmQ
from django_q_tests.support.smtp_sink import smtp_sink

LINK = "http://testserver/editor/runs/1/results/"


def remind(run):
    return tasks.send_experiment_reminder.now(run.experiment_id)


def tell(run, url=LINK):
    return tasks.send_complete_mail.now(run.experiment_id, url)


@pytest.fixture
def reminded(experiment):
    """A run whose reminder is due now."""
    start = timezone.now() + timedelta(minutes=10, seconds=30)
    return bookings.book(experiment, start, start + timedelta(hours=2), email_reminder="10min")


@pytest.fixture
def done(over):
    over.mark_posted()
    return over


def test_the_reminder_says_in_words_when_the_experiment_starts_and_ends(reminded):
    remind(reminded)

    (sent,) = mail.outbox
    assert (sent.subject, sent.to) == ("Experiment Reminder", ["ada@example.com"])
    assert "starts in 10 minutes and ends in 2 hours" in sent.body


def test_the_reminder_says_by_the_clock_when_the_experiment_starts_and_ends(reminded):
    remind(reminded)

    assert f"Start: {reminded.start:%Y-%m-%d %H:%M:%S} UTC" in mail.outbox[0].body
    assert f"End: {reminded.end:%Y-%m-%d %H:%M:%S} UTC" in mail.outbox[0].body


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "in 10 Minuten"),
        ("pl", "za 10 minut"),
        ("pt-br", "em 10 minutos"),
        ("zh-hans", "10分钟后"),
        ("es-mx", "en 10 minutos"),
        ("kab", "in 10 minutes"),
    ],
)
def test_the_reminder_speaks_the_language_of_the_owner(reminded, user, language, text):
    Preferences.objects.create(user=user, language=language)

    with translation.override("fr"):
        remind(reminded)

    assert text in mail.outbox[0].body


def test_the_reminder_has_the_times_of_the_owner(reminded, user):
    Preferences.objects.create(user=user, time_zone="Asia/Kathmandu")
    local = reminded.start.astimezone(ZoneInfo("Asia/Kathmandu"))

    with timezone.override("America/New_York"):
        remind(reminded)

    assert f"Start: {local:%Y-%m-%d %H:%M:%S} +0545" in mail.outbox[0].body


def test_a_zone_that_this_system_does_not_know_is_no_obstacle(reminded, user):
    Preferences.objects.create(user=user, time_zone="Mars/Olympus")

    remind(reminded)
    assert f"Start: {reminded.start:%Y-%m-%d %H:%M:%S} UTC" in mail.outbox[0].body


def test_who_chose_no_language_gets_that_of_the_site(reminded, settings):
    settings.LANGUAGE_CODE = "de"

    remind(reminded)
    assert "in 10 Minuten" in mail.outbox[0].body


def test_a_mail_changes_neither_language_nor_zone_of_the_worker(reminded, user):
    Preferences.objects.create(user=user, language="pl", time_zone="Europe/Warsaw")

    with translation.override("fr"), timezone.override("Asia/Tokyo"):
        remind(reminded)
        assert (translation.get_language(), timezone.get_current_timezone_name()) == ("fr", "Asia/Tokyo")


def test_every_language_of_django_has_words_for_a_moment():
    for code, _ in LANGUAGES:
        with translation.override(code):
            assert humanize(timezone.now() + timedelta(hours=3))


def test_a_reminder_that_was_sent_is_not_sent_again(reminded):
    remind(reminded)

    assert "was sent before" in remind(reminded)
    assert len(mail.outbox) == 1


def test_a_mail_at_the_end_that_was_sent_is_not_sent_again(done):
    tell(done)

    assert "was sent before" in tell(done)
    assert len(mail.outbox) == 1


def test_a_mail_that_comes_twice_because_a_worker_died_bears_the_same_id(reminded):
    remind(reminded)
    RunResult.objects.update(reminded_of=None)  # what it is if the worker died before its note

    remind(reminded)

    ids = [sent.message()["Message-ID"] for sent in mail.outbox]
    assert ids[0] == ids[1] and ids[0].endswith("@localhost>")


def test_a_mail_that_was_not_sent_is_sent_by_the_next_try(reminded, settings):
    with smtp_sink() as sink:
        pass  # nobody listens there any more
    use_server(settings, "127.0.0.1", sink.port)
    with pytest.raises(ConnectionError):
        remind(reminded)

    with smtp_sink() as sink:
        use_server(settings, "127.0.0.1", sink.port)
        remind(reminded)
    assert len(sink.mails) == 1


def test_the_reminder_comes_not_after_a_change_of_plan(reminded):
    reminded.start += timedelta(hours=1)
    reminded.save()

    assert "planned anew" in remind(reminded)
    assert mail.outbox == []


def test_the_reminder_comes_not_after_the_start(reminded):
    reminded.start = timezone.now() - timedelta(seconds=1)
    reminded.save()

    remind(reminded)
    assert mail.outbox == []


def test_there_is_no_reminder_without_a_booking(reminded):
    Booking.objects.all().delete()

    assert "not booked" in remind(reminded)
    assert mail.outbox == []


def test_there_is_no_reminder_that_nobody_asked_for(run):
    remind(run)
    assert mail.outbox == []


def test_the_mail_at_the_end_names_the_experiment_and_the_address_of_its_results(done):
    tell(done)

    (sent,) = mail.outbox
    assert sent.subject == "Results Available For my first-test"
    assert "my first-test" in sent.body and LINK in sent.body


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://lab.example.com/results/", "\nhttps://lab.example.com/results/\n"),
        ("lab.example.com/results/", "\nhttp://lab.example.com/results/\n"),
    ],
)
def test_an_address_gets_a_scheme_only_if_it_has_none(done, given, sent):
    tell(done, given)

    assert sent in mail.outbox[0].body


def test_there_is_no_mail_about_an_experiment_that_did_not_run(over):
    over.tasks.filter(name="send_experiment_json").delete()

    assert "has not run" in tell(over)
    assert mail.outbox == []


def test_the_mail_waits_for_a_post_that_is_late(over):
    before = set(over.tasks.values_list("task_id", flat=True))

    assert "the mail will be later" in tell(over)

    assert mail.outbox == []
    (again,) = over.tasks.exclude(task_id__in=before)
    assert again.name == "send_complete_mail"
    assert OrmQ.objects.get(pk=again.task_id).args == (over.experiment_id, LINK)
    over.mark_posted()
    tell(over)
    assert len(mail.outbox) == 1


def test_there_is_no_mail_about_a_deleted_experiment(done):
    done.experiment.delete()

    assert "is gone" in tell(done)


def test_a_user_without_an_address_gets_no_mail(done, user):
    type(user).objects.update(email="")

    assert "no address" in tell(done)
    assert mail.outbox == []


def test_a_line_break_in_a_title_does_not_reach_the_header(done):
    done.experiment.experiment_title = "two\nlines"
    done.experiment.save()

    tell(done)

    assert mail.outbox[0].subject == "Results Available For two lines"


def test_the_text_of_the_reminder_can_be_set(reminded, settings):
    settings.EXPERIMENTEDITOR = {"remindermessage": "from {start_humanized}"}

    remind(reminded)

    assert mail.outbox[0].body == "from in 10 minutes"


def test_the_text_of_the_mail_at_the_end_can_be_set(done, settings):
    settings.EXPERIMENTEDITOR = {"expfinishedmessage": "{title}: {link}"}

    tell(done)

    assert mail.outbox[0].body == f"my first-test: {LINK}"


@pytest.fixture
def sink(settings):
    """A mail server, known to Django, which waits half a second for its answers."""
    with smtp_sink() as sink:
        use_server(settings, "127.0.0.1", sink.port, timeout=0.5)
        settings.DEFAULT_FROM_EMAIL = "lab@example.com"
        yield sink


def test_a_mail_server_gets_the_mail(done, sink):
    assert tell(done) == "Mail to ada@example.com."

    (sent,) = sink.mails
    assert (sent["Subject"], sent["From"]) == ("Results Available For my first-test", "lab@example.com")
    assert LINK in sent.get_content()
    assert "rcpt to:<ada@example.com>" in [command.lower() for command in sink.commands]


@pytest.mark.parametrize("place", ["CONNECT", "MAIL", "RCPT", "DATA", "END"])
def test_a_mail_that_the_server_refuses_is_an_error_of_the_task(done, sink, place):
    sink.refuse(place)

    with pytest.raises(smtplib.SMTPException, match="later"):
        tell(done)
    assert sink.mails == []
    tell(done)
    assert len(sink.mails) == 1


@pytest.mark.parametrize(("place", "arrived"), [("CONNECT", 0), ("RCPT", 0), ("DATA", 0), ("END", 1)])
@pytest.mark.parametrize("accident", ["hang_up", "hold"])
def test_a_mail_server_that_says_nothing_any_more_is_an_error_of_the_task(done, sink, accident, place, arrived):
    getattr(sink, accident)(place)

    with pytest.raises((smtplib.SMTPServerDisconnected, TimeoutError)):
        tell(done)
    # Nobody can know whether a mail arrived whose answer did not.
    assert len(sink.mails) == arrived


def use_server(settings, host, port, timeout=10):
    backend = "django.core.mail.backends.smtp.EmailBackend"
    options = {"host": host, "port": port, "timeout": timeout}
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
    else:
        settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = backend, host, port
        settings.EMAIL_TIMEOUT = timeout
