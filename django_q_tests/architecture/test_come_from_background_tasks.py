"""The pages about background tasks: what they say is here is here, and what they say is not is not."""

import re

import pytest
from django.core.management import get_commands, load_command_class
from django.dispatch import Signal

from django_q.contrib.background import checks, options, signals
from django_q_tests.architecture.coming import HERE, can_be_imported, verdicts
from django_q_tests.architecture.source import ROOT, sources

REFERENCE = (ROOT / "docs/reference/background.rst").read_text(encoding="utf-8")
ROWS = list(verdicts("docs/howto/come-from-django-background-tasks.rst"))
SATELLITE = "django_q.contrib.background"
OURS = set(options.OLD_NAMES.values())


def is_here(name):
    if name.startswith("manage.py "):
        return get_commands().get(name.split()[1]) == SATELLITE
    if " --" in name:
        command, flag = name.split()
        return flag in load_command_class(SATELLITE, command).create_parser("", command)._option_string_actions
    if name.startswith("settings."):
        return name.partition(".")[2] in OURS
    return can_be_imported(SATELLITE, name)


def test_each_row_begins_with_one_of_three_words():
    assert {verdict for _, verdict in ROWS} == {*HERE, "Instead"}
    assert len(ROWS) > 50


@pytest.mark.parametrize(("name", "verdict"), sorted(set(ROWS)), ids=str)
def test_a_name_is_here_if_the_page_says_so_and_else_is_not(name, verdict):
    assert is_here(name) == (verdict in HERE)


def test_a_setting_that_has_no_effect_is_known_to_the_checks():
    without = {name.partition(".")[2] for name, verdict in ROWS if name.startswith("settings.") and verdict not in HERE}

    assert without == set(checks.REPLACED)


def test_each_signal_stands_in_the_table_and_says_when_it_is_sent():
    names = {f"signals.{name}" for name, value in vars(signals).items() if isinstance(value, Signal)}

    assert names <= {name for name, _ in ROWS}
    assert f".. q-signals-of:: {SATELLITE}.signals" in REFERENCE


def test_every_check_is_documented():
    (source,) = [each for each in sources() if str(each.path).endswith("contrib/background/checks.py")]
    written = {f"{checks.LABEL}.{code}" for code in re.findall(r"LABEL}\.([EWI]\d{3})", source.text)}

    assert set(re.findall(r"\* - ``(django_q_background\.[EWI]\d{3})``", REFERENCE)) == written


def test_every_key_of_the_settings_has_a_meaning_in_the_reference():
    assert ".. q-background-settings::" in REFERENCE
    for key in options.DEFAULTS:
        assert re.search(rf'"{key}": .*  # \S', (ROOT / "django_q/contrib/background/options.py").read_text("utf-8"))
