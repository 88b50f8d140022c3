"""The pages for users of Django Q: what they say is here can be imported, and what they say is not is not."""

import re
from importlib import import_module

import pytest
from django.core.management import get_commands, load_command_class

from django_q import conf
from django_q.tasks import options
from django_q_tests.architecture.coming import verdicts
from django_q_tests.architecture.source import ROOT

ROWS = list(verdicts("docs/howto/come-from-django-q.rst"))
COMPLAINTS = (ROOT / "docs/explanation/complaints.rst").read_text(encoding="utf-8")
# Where names of Django Q begin; anything else in the tables is not about a name in Python.
MODULES = set(
    "admin brokers cluster conf django_q humanhash management models monitor monitor_terminal pusher scheduler signals "
    "signing status tasks worker".split()
)
HERE = ("Same", "Changed", "Bridge")


def is_here(name):
    """Is there such a name? None: it is not one of those that can be looked up."""
    if name.startswith("Q_CLUSTER["):
        key = name.split('"')[1]
        return key in conf.OPTIONS or key == "ALT_CLUSTERS"
    if name.endswith("="):
        return name[:-1] in options.OPTIONS
    if name.startswith("manage.py "):
        return get_commands().get(name.split()[1]) == "django_q"
    if " --" in name:
        command, flag = name.split()
        return flag in load_command_class("django_q", command).create_parser("", command)._option_string_actions
    return can_be_imported(name) if name.split(".")[0] in MODULES and "." in name else None


def can_be_imported(name):
    """Follow a dotted name from the longest module that there is."""
    parts = name.split(".") if name.startswith("django_q.") else ["django_q", *name.split(".")]
    found, rest = module_of(parts)
    for part in rest:
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


def module_of(parts):
    for end in range(len(parts), 0, -1):
        try:
            return import_module(".".join(parts[:end])), parts[end:]
        except ModuleNotFoundError:
            continue
    raise AssertionError(parts)


def test_each_row_begins_with_one_of_four_words():
    words = [(name, verdict) for name, verdict in ROWS if verdict not in (*HERE, "Instead")]

    assert words == []
    assert len(ROWS) > 150


@pytest.mark.parametrize(("name", "verdict"), sorted(set(ROWS)), ids=str)
def test_a_name_is_here_if_the_page_says_so_and_else_is_not(name, verdict):
    found = is_here(name)

    assert found is None or found == (verdict in HERE)


def test_a_setting_that_has_no_effect_is_known_to_the_checks():
    without_effect = {name.split('"')[1] for name, verdict in ROWS if "Q_CLUSTER" in name and verdict == "Instead"}

    assert without_effect == set(conf.REPLACED)


def test_no_name_stands_in_the_tables_twice():
    names = [name for name, _ in ROWS]

    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_each_of_the_34_complaints_is_answered_by_tests_or_by_not_yet():
    answers = re.split(r"^(\d+)\. ", COMPLAINTS, flags=re.MULTILINE)[1:]

    assert [int(number) for number in answers[::2]] == list(range(1, 35))
    assert [text for text in answers[1::2] if "Shown by ``test_" not in text and "Not yet" not in text] == []
