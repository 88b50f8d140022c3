"""``python -m django_q``: what can be done without a project, and what the commands of a project are."""

import pkgutil
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches

import django_q
from django_q.examples.demo import command as demo
from django_q.management import commands

WORDS: dict[str, tuple[Callable[[Sequence[str]], int], str]] = {
    "demo": (demo.main, "a site, a cluster and a load of tasks of every kind; needs no project and leaves nothing"),
}


def main(arguments: Sequence[str]) -> int:
    """Do what the first word says; return the exit code."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(_overview())
        return 0
    if arguments[0] == "--version":
        sys.stdout.write(f"{django_q.__version__}\n")
        return 0
    word, *rest = arguments
    if word not in WORDS:
        sys.stderr.write(f"{_complaint(word)}\n")
        return 2
    return WORDS[word][0](rest)


def _overview() -> str:
    lines = [f"  python -m django_q {word}    {meaning}\n" for word, (_, meaning) in WORDS.items()]
    names = "".join(f"  python manage.py {name}\n" for name in _of_projects())
    return (
        f"django_q {django_q.__version__}\n\nWithout a project:\n{''.join(lines)}\n"
        f"In a project with 'django_q' in INSTALLED_APPS, each with --help:\n{names}"
    )


def _complaint(word: str) -> str:
    if word in _of_projects():
        return f"{word!r} is a command of a project: python manage.py {word}"
    near = get_close_matches(word, [*WORDS, *_of_projects()], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{word!r} is no command of django_q.{hint} See: python -m django_q"


def _of_projects() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
