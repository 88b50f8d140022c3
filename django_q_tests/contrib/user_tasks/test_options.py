"""The settings of user tasks, and what is said of wrong ones."""

from datetime import timedelta

import pytest

from django_q.contrib.user_tasks import options
from django_q.contrib.user_tasks.checks import check_settings
from django_q.exceptions import InvalidSettings

pytestmark = pytest.mark.once


def test_without_settings_all_is_well():
    assert check_settings() == [] and options.interrupts() is False and options.max_age() == timedelta(days=30)
    assert options.wsgi_streams() == 3


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"cancel_runing": "interrupt"}, "Did you mean 'cancel_running'?"),
        ({"x": 1}, "Choose among"),
        ({"cancel_running": "kill"}, "Write 'cooperative' or 'interrupt'."),
        ({"deleted_rows": True}, "Write 'forget' or 'recreate'."),
        ({"error_text": 7}, "Write the path of a function"),
        ({"wsgi_streams": -1}, "less than the threads"),
        ({"wsgi_streams": True}, "less than the threads"),
        ("interrupt", "not a dict"),
    ],
)
def test_the_check_names_what_is_wrong_and_what_to_write(settings, given, complaint):
    settings.USER_TASKS = given

    [message] = check_settings()

    assert complaint in message.msg and message.id == "django_q_user_tasks.E001"


@pytest.mark.parametrize("age", [30, None, timedelta(days=-1)])
def test_an_age_is_a_timedelta(settings, age):
    settings.USER_TASKS_MAX_AGE = age

    assert "USER_TASKS_MAX_AGE is" in check_settings()[0].msg
    with pytest.raises(InvalidSettings, match="timedelta"):
        options.max_age()


def test_a_wrong_value_is_refused_where_it_is_used(settings):
    settings.USER_TASKS = {"cancel_running": "kill"}
    with pytest.raises(InvalidSettings, match="'kill'"):
        options.interrupts()


def test_the_text_of_errors_may_come_from_a_function_that_is_named_by_its_path(settings):
    settings.USER_TASKS = {"error_text": "builtins.repr"}

    assert options.error_text() is repr
