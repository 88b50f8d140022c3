"""The page about django-user-tasks: what it says is here is here, and what it says is not is not."""

import re
from importlib import import_module

import pytest

from django_q_tests.architecture.source import ROOT

PAGE = (ROOT / "docs/howto/come-from-django-user-tasks.rst").read_text(encoding="utf-8")
ROW = re.compile(r"^   \* - (.+?)\n     - (.+?)(?=\n   \* - |\n\n\S|\Z)", re.MULTILINE | re.DOTALL)
HERE = ("Same", "Changed")
SATELLITE = "django_q.contrib.user_tasks"
READERS_OF_SETTINGS = ("django_q/contrib/user_tasks/options.py", "django_q/contrib/user_tasks/storage.py")


def rows():
    for names, text in ROW.findall(PAGE):
        if names.strip() != "There":
            yield from ((name, text.split()[0].rstrip(".:,")) for name in re.findall(r"``(.+?)``", names))


def is_here(name):
    first, *rest = name.split(".")
    if first == "settings":
        return any(f'"{rest[0]}"' in (ROOT / path).read_text("utf-8") for path in READERS_OF_SETTINGS)
    try:
        found = import_module(f"{SATELLITE}.{first}")
    except ModuleNotFoundError:
        found, rest = import_module(SATELLITE), [first, *rest]
    for part in rest:
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


def test_each_row_begins_with_one_of_three_words():
    assert {verdict for _, verdict in rows()} == {*HERE, "Instead"}
    assert len(list(rows())) > 30


@pytest.mark.parametrize(("name", "verdict"), sorted(set(rows())), ids=str)
def test_a_name_is_here_if_the_page_says_so_and_else_is_not(name, verdict):
    assert is_here(name) == (verdict in HERE)
