"""``settings.Q_BACKGROUND``, and the names that were there before."""

import pytest

from django_q.contrib.background.options import complaints, option
from django_q.exceptions import InvalidSettings

pytestmark = pytest.mark.once


def test_without_settings_there_are_defaults():
    assert (option("max_attempts"), option("timeout"), option("priority_ordering")) == (25, None, "DESC")
    assert complaints() == []


def test_old_names_count_where_ours_say_nothing(settings):
    settings.MAX_ATTEMPTS, settings.BACKGROUND_TASK_PRIORITY_ORDERING = 7, "ASC"

    assert (option("max_attempts"), option("priority_ordering")) == (7, "ASC")

    settings.Q_BACKGROUND = {"max_attempts": 3}
    assert (option("max_attempts"), option("priority_ordering")) == (3, "ASC")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"max_atempts": 3}, "'max_atempts' that does not exist. Did you mean 'max_attempts'"),
        ({"max_attempts": -1}, "is -1. Write a whole number"),
        ({"max_attempts": "many"}, "is 'many'"),
        ({"timeout": 0}, "is 0. Write a number of seconds above 0"),
        ({"priority_ordering": "UP"}, "is 'UP'. Write one of 'DESC', 'ASC'"),
        ({"repeat_on_failure": True}, "is True. Write one of 'end', 'continue'"),
        (["max_attempts"], "not a dict"),
    ],
)
def test_what_cannot_be_used_is_complained_of_with_a_remedy(settings, given, complaint):
    settings.Q_BACKGROUND = given

    (found,) = complaints()

    assert complaint in found


def test_a_value_that_cannot_be_used_raises_where_it_is_needed(settings):
    settings.Q_BACKGROUND = {"max_attempts": "many"}

    with pytest.raises(InvalidSettings, match="'many'"):
        option("max_attempts")
