"""The page about django-user-tasks: what it says is here is here, and what it says is not is not."""

import pytest

from django_q_tests.architecture.coming import HERE, can_be_imported, verdicts
from django_q_tests.architecture.source import ROOT

ROWS = list(verdicts("docs/howto/come-from-django-user-tasks.rst"))
READERS_OF_SETTINGS = ("django_q/contrib/user_tasks/options.py", "django_q/contrib/user_tasks/storage.py")


def is_here(name):
    if name.startswith("settings."):
        setting = name.split(".")[1]
        return any(f'"{setting}"' in (ROOT / path).read_text("utf-8") for path in READERS_OF_SETTINGS)
    return can_be_imported("django_q.contrib.user_tasks", name)


def test_each_row_begins_with_one_of_three_words():
    assert {verdict for _, verdict in ROWS} == {*HERE, "Instead"}
    assert len(ROWS) > 30


@pytest.mark.parametrize(("name", "verdict"), sorted(set(ROWS)), ids=str)
def test_a_name_is_here_if_the_page_says_so_and_else_is_not(name, verdict):
    assert is_here(name) == (verdict in HERE)
