"""The settings of the experiment editor: what is used, and what the system checks say."""

import pytest
from django.core import checks

from django_q.examples.experimenteditor import tasks
from django_q.examples.experimenteditor.options import OPTIONS, option

LABEL = "django_q_experimenteditor"


@pytest.fixture
def said(settings):
    def say(value):
        settings.EXPERIMENTEDITOR = value
        found = checks.run_checks(tags=[LABEL])
        return [(message.id.removeprefix(f"{LABEL}."), message.msg, message.hint) for message in found]

    return say


@pytest.mark.parametrize("value", [None, {}])
def test_no_setting_is_needed(said, value):
    assert said(value) == []


def test_every_option_can_be_set_to_its_default(said):
    usual = {name: getattr(tasks, name) if known.default is None else known.default for name, known in OPTIONS.items()}

    assert said(usual) == []


def test_the_settings_of_the_demonstration_are_right(said, monkeypatch, tmp_path):
    monkeypatch.setenv("DJANGO_Q_DEMO_DIR", str(tmp_path))
    from django_q.examples.project import settings

    assert said(settings.EXPERIMENTEDITOR) == []


@pytest.mark.parametrize(
    ("key", "nearest"),
    [("LAED", "LEAD"), ("lead", "LEAD"), ("remindermesage", "remindermessage"), ("HTTP_TIME_OUT", "HTTP_TIMEOUT")],
)
def test_an_unknown_key_is_a_warning_with_the_nearest_name(said, key, nearest):
    ((code, message, hint),) = said({key: 1})

    assert (code, message) == ("W001", f"EXPERIMENTEDITOR has no key {key!r}.")
    assert hint == f"Did you mean {nearest!r}?"


def test_an_unknown_key_near_nothing_is_told_what_there_is(said):
    ((code, _, hint),) = said({5: 1})

    assert code == "W001" and "LEAD" in hint


@pytest.mark.parametrize(
    ("key", "value", "code", "complaint"),
    [
        ("LEAD", "30", "E002", "EXPERIMENTEDITOR['LEAD'] is '30', but has to be int or float."),
        ("LEAD", True, "E002", "has to be int or float"),
        ("LEAD", None, "E002", "has to be int or float"),
        ("FETCH_TRIES", 2.5, "E002", "has to be int"),
        ("ENGINE_KNOWS_KEYS", 1, "E002", "has to be bool"),
        ("LOGGERIP", 5, "E002", "has to be str"),
        ("LEAD", -1, "E003", "0 is the least"),
        ("FETCH_TRIES", 0, "E003", "1 is the least"),
        ("LEAD", float("nan"), "E003", "0 is the least"),
        ("LEAD", float("inf"), "E003", "and it has an end"),
        ("expfinishedmessage", " ", "E004", "is empty"),
        ("LOGGERIP", "http://logger/{name}/", "E005", "names {name}, which nobody fills in"),
        ("LOGGERIP", "http://logger/{}/", "E005", "names {}, which nobody fills in"),
        ("remindermessage", "{start", "E005", "is no format string"),
        ("NOTIFY", "nowhere.send", "E006", "cannot be imported"),
        ("NOTIFY", "django_q.examples.experimenteditor.notify.sent", "E006", "cannot be imported"),
        ("NOTIFY", "django_q.examples.experimenteditor.options.OPTIONS", "E006", "is not callable"),
    ],
)
def test_a_wrong_value_is_an_error(said, key, value, code, complaint):
    ((found, message, hint),) = said({key: value})

    assert found == code and complaint in message and hint


def test_something_else_than_a_dict_is_an_error(said):
    ((code, message, _),) = said([("LEAD", 5)])

    assert code == "E001" and "is no dict" in message


def test_options_are_read_when_they_are_used(settings):
    settings.EXPERIMENTEDITOR = {"LEAD": 5}
    assert option("LEAD") == 5

    settings.EXPERIMENTEDITOR = {}
    assert option("LEAD") == 30


def test_the_documented_names_are_importable():
    for name in ("send_experiment_reminder", "send_experiment_json", "make_experiment_available", "send_complete_mail"):
        proxy = getattr(tasks, name)
        assert str(proxy) == f"TaskProxy(django_q.examples.experimenteditor.tasks.{name})"
    for name in ("remindermessage", "expfinishedmessage", "ENGINEBEAGLEBONEIP", "LOGGERIP", "FULLLOGIP"):
        assert isinstance(getattr(tasks, name), str) and getattr(tasks, name).strip()
