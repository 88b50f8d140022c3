"""How a command starts another one of the same project."""

import sys

import pytest

from django_q.management.invocation import command_line

NOTHING = {"traceback": False, "no_color": False, "force_color": False, "skip_checks": False, "pythonpath": None}


def test_the_script_that_was_called_is_called_again(monkeypatch, tmp_path):
    script = tmp_path / "manage.py"
    script.touch()
    monkeypatch.setattr(sys, "argv", [str(script), "qdev", "8001", "--settings=shop.settings"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)

    words = command_line("qcluster", "--reload", options=NOTHING)

    assert words[0] == sys.executable
    assert words[-3:] == [str(script), "qcluster", "--reload"]


def test_python_m_django_is_called_again(monkeypatch):
    class Spec:
        name, parent = "django.__main__", "django"

    monkeypatch.setattr(sys, "argv", ["somewhere/django/__main__.py", "qcluster", "--reload"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", Spec)

    assert command_line("qcluster", options=NOTHING)[-3:] == ["-m", "django", "qcluster"]


@pytest.mark.parametrize("argv", [["pytest"], ["pytest", "-q"], ["script.py", "tests"]])
def test_from_another_program_django_itself_is_called(monkeypatch, argv):
    monkeypatch.setattr(sys, "argv", argv)

    assert command_line("qcluster", options=NOTHING) == [sys.executable, "-m", "django", "qcluster"]


def test_what_every_command_takes_is_passed_on():
    options = NOTHING | {"traceback": True, "no_color": True, "skip_checks": True, "pythonpath": "src", "verbosity": 1}

    words = command_line("runserver", "8001", options=options)

    assert words[3:] == ["runserver", "8001", "--traceback", "--no-color", "--skip-checks", "--pythonpath=src"]
