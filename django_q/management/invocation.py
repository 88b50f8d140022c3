"""How another command of the same project is started as a child process."""

import sys
from collections.abc import Mapping
from typing import Any

from django.core.management import get_commands
from django.utils.autoreload import get_child_arguments

# Options of every command of Django, which a child takes over. The settings module travels in the environment.
_SWITCHES = ("traceback", "no_color", "force_color", "skip_checks")


def command_line(command: str, *arguments: str, options: Mapping[str, Any]) -> list[str]:
    """Return the words that start a command as this one was started: by ``manage.py``, ``-m django`` or another script.

    ``options`` are those of this command; what every command of Django takes is passed on.
    """
    return [*_program(), command, *arguments, *_passed_on(options)]


def _program() -> list[str]:
    if sys.argv[1:2] and sys.argv[1] in get_commands():
        words = get_child_arguments()
        return [str(word) for word in words[: len(words) - len(sys.argv) + 1]]
    return [sys.executable, "-m", "django"]  # called by call_command(), from who knows what


def _passed_on(options: Mapping[str, Any]) -> list[str]:
    words = [f"--{name.replace('_', '-')}" for name in _SWITCHES if options.get(name)]
    if options.get("pythonpath"):
        words.append(f"--pythonpath={options['pythonpath']}")
    return words
