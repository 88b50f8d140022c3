"""While a screen is shown, nobody else writes to the terminal."""

import os
import pty
import subprocess
import sys

from django_q_tests.architecture.source import ROOT

NOISE = """
import logging, os, subprocess, sys, warnings
logging.basicConfig(stream=sys.stdout, format="logged %(message)s")
from django_q.management.monitor.quiet import owned_terminal
with owned_terminal() as screen:
    screen.write("BEGIN.")
    logging.warning("to the output")
    print("printed")
    warnings.warn("warned")
    subprocess.run(["echo", "by a child"])
    os.write(2, b"raw " * 10)
    screen.write("END.")
print("afterwards")
"""


def output_of(code, *, stderr_is_terminal=True):
    """Run code in a terminal and return what stands there, and what came to the standard error if that is a file."""
    end, terminal = pty.openpty()
    stderr = terminal if stderr_is_terminal else subprocess.PIPE
    child = subprocess.Popen([sys.executable, "-c", code], stdin=terminal, stdout=terminal, stderr=stderr, cwd=ROOT)
    os.close(terminal)
    found = b""
    try:
        while part := os.read(end, 4096):
            found += part
    except OSError:  # nobody has the terminal open any more
        pass
    errors = child.communicate()[1] or b""
    os.close(end)
    assert child.returncode == 0
    return found.decode(), errors.decode()


def test_what_others_print_comes_after_the_screen():
    text, _ = output_of(NOISE)

    screen, _, rest = text.partition("END.")
    assert screen == "BEGIN."
    for words in ("logged to the output", "printed", "warned", "by a child", "raw raw", "afterwards"):
        assert words in rest


def test_a_standard_error_that_is_a_file_stays_one():
    text, errors = output_of(NOISE, stderr_is_terminal=False)

    assert text.startswith("BEGIN.END.")
    assert "warned" in errors and "raw raw" in errors and "warned" not in text


def test_of_much_only_the_last_lines_are_told():
    code = NOISE.replace('print("printed")', 'print("\\n".join(f"line {number}" for number in range(5000)))')

    text, _ = output_of(code)

    assert "line 4999" in text and "line 4000" not in text
