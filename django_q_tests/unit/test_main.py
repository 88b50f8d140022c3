"""``python -m django_q``: what it says, and what it does not know."""

import os
import subprocess
import sys

import pytest

import django_q
from django_q import __main__
from django_q_tests.support.own_database import ROOT


def run(capsys, *words):
    code = __main__.main(words)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("words", [[], ["--help"], ["help"]])
def test_alone_it_says_what_there_is(capsys, words):
    code, out, err = run(capsys, *words)

    assert (code, err) == (0, "")
    assert "python -m django_q demo" in out and "python manage.py qdev" in out
    assert all(len(line) <= 120 for line in out.splitlines())


def test_it_knows_its_version(capsys):
    assert run(capsys, "--version") == (0, f"{django_q.__version__}\n", "")


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("dmo", "'dmo' is no command of django_q. Did you mean 'demo'? See: python -m django_q"),
        ("xyz", "'xyz' is no command of django_q. See: python -m django_q"),
        ("qcluster", "'qcluster' is a command of a project: python manage.py qcluster"),
    ],
)
def test_an_unknown_word_is_refused_with_the_nearest(capsys, word, complaint):
    assert run(capsys, word) == (2, "", f"{complaint}\n")


def test_the_rest_of_the_words_are_those_of_the_command(monkeypatch, capsys):
    given = []
    monkeypatch.setitem(__main__.WORDS, "demo", (lambda words: given.extend(words) or 7, ""))

    assert run(capsys, "demo", "--port", "8001")[0] == 7
    assert given == ["--port", "8001"]


def test_it_needs_no_project(tmp_path):
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "django_q"]

    done = subprocess.run(command, cwd=tmp_path, env=env | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert "python -m django_q demo" in done.stdout
