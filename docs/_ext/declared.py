"""What the package itself declares, as reStructuredText: settings, signals, errors, commands, states.

No Sphinx in here, so that the tests can ask the same functions.
"""

import argparse
import ast
import importlib
import inspect
import io
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent.parent
COMMANDS = "management/commands/*.py"

# How the types of settings are called by people who write them.
TYPES = {
    "str": ["text"],
    "int": ["whole number"],
    "float": ["seconds (number or timedelta)"],
    "bool": ["True", "False"],
    "tuple[str, ...]": ["list of texts"],
    "bool | float": ["True", "False", "seconds"],
    "Policy": ["text", "True", "False"],
    "str | bool": ["path", "False"],
    "Backoff": ["seconds", "list of seconds", "dict"],
    "Plugins": ["dict of dicts"],
}


def prepare_django() -> None:
    """Load the application alone, with settings of nobody in particular."""
    if not settings.configured:
        settings.configure(
            SECRET_KEY="only for the documentation",  # noqa: S106
            INSTALLED_APPS=[
                "django.contrib.contenttypes",
                "django_q",
                "django_q.contrib.background",
                "django_q.contrib.class_tasks",
            ],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            USE_TZ=True,
        )
        django.setup()


def module(name: str) -> Any:
    """Import a module of the package."""
    prepare_django()
    return importlib.import_module(name)


# --- settings ------------------------------------------------------------------------------------------------------


def settings_text(names: Iterable[str]) -> Iterator[str]:
    """Describe these settings."""
    options = module("django_q.conf").OPTIONS
    for name in names:
        option = options[name]
        yield f".. confval:: {name}"
        yield f"   :type: {type_of(option)}"
        yield f"   :default: ``{default_of(option)}``"
        yield ""
        yield f"   {option.meaning}"
        if option.bounds:
            yield f"   Accepted: {option.bounds}."
        yield ""


def type_of(option: Any) -> str:
    """Return the type of a setting in words."""
    kind = option.type.removesuffix(" | None")
    words = [*TYPES[kind], *(["None"] if kind != option.type or callable(option.default) else [])]
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def default_of(option: Any) -> str:
    """Return the default of a setting as one would write it."""
    default = option.default
    if callable(default):
        made = default()
        return repr(made.as_json()) if hasattr(made, "as_json") else "None"
    return repr(default)


def replaced_text() -> Iterator[str]:
    """List the keys that have no effect, and what stands in their place."""
    yield from table(
        ("Key", "In its place"),
        [(f"``{key}``", remedy) for key, remedy in sorted(module("django_q.conf").REPLACED.items())],
    )


# --- signals -------------------------------------------------------------------------------------------------------


def signals(name: str = "django_q.signals") -> dict[str, tuple[str, str]]:
    """Return each signal of a module with the moment at which it is sent and its arguments."""
    source = Path(module(name).__file__)
    lines = source.read_text(encoding="utf-8").splitlines()
    found = {}
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _is_signal(node.value):
            text, number = [], node.lineno - 2
            while lines[number].startswith("#:"):
                text.insert(0, lines[number][2:].strip())
                number -= 1
            moment, _, arguments = " ".join(text).partition(" Arguments: ")
            found[node.targets[0].id] = (moment, arguments)  # type: ignore[attr-defined]
    return found


def _is_signal(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in ("TaskSignal", "RowsSignal")


def signals_text(source: str = "django_q.signals") -> Iterator[str]:
    """Describe every signal of a module."""
    for name, (moment, arguments) in signals(source).items():
        yield f".. py:data:: {source}.{name}"
        yield ""
        yield f"   {moment}"
        yield ""
        if arguments:
            yield f"   Arguments: {arguments}"
            yield ""


# --- errors --------------------------------------------------------------------------------------------------------


def errors() -> list[type[BaseException]]:
    """Return every exception class, in the order of the file."""
    exceptions = module("django_q.exceptions")
    # An alias is no class of its own.
    classes = [each for name, each in inspect.getmembers(exceptions, inspect.isclass) if each.__name__ == name]
    found = [each for each in classes if each.__module__ == exceptions.__name__]
    return sorted(found, key=lambda each: inspect.getsourcelines(each)[1])


def errors_text() -> Iterator[str]:
    """Describe every exception class."""
    ours = errors()
    for each in ours:
        yield f".. py:exception:: django_q.exceptions.{each.__name__}"
        yield ""
        bases = [
            f":py:exc:`~django_q.exceptions.{base.__name__}`" if base in ours else f"``{base.__name__}``"
            for base in each.__bases__
        ]
        yield f"   {inspect.getdoc(each)}"
        yield ""
        yield f"   Bases: {', '.join(bases)}"
        yield ""


# --- commands ------------------------------------------------------------------------------------------------------


def commands() -> dict[str, str]:
    """Return the names of our management commands, those of satellites too, each with its module."""
    paths = [*(ROOT / "django_q").glob(COMMANDS), *(ROOT / "django_q" / "contrib").glob(f"*/{COMMANDS}")]
    modules = {path.stem: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sorted(paths)}
    return {name: path for name, path in sorted(modules.items()) if not name.startswith("_")}


def command_text(name: str) -> Iterator[str]:
    """Describe a command by its own help."""
    command = module(commands()[name]).Command()
    yield f".. program:: {name}"
    yield ""
    yield command.help
    yield ""
    for action in own_actions(command, name):
        value = "" if action.nargs == 0 else f" <{(action.metavar or action.dest).lower()}>"
        yield f".. option:: {', '.join(flag + value for flag in action.option_strings) or action.dest}"
        yield ""
        choices = f" One of {', '.join(map(str, action.choices))}." if action.choices else ""
        yield f"   {(action.help or '').rstrip('.')}.{choices}"
        yield ""


def own_actions(command: Any, name: str) -> list[argparse.Action]:
    """Return the options that a command has beyond those of every command of Django."""
    base = module("django.core.management.base").BaseCommand
    plain = {flag for action in base().create_parser("manage.py", name)._actions for flag in action.option_strings}
    actions = command.create_parser("manage.py", name)._actions
    return [action for action in actions if not plain.intersection(action.option_strings)]


# --- background tasks ----------------------------------------------------------------------------------------------


def background_text() -> Iterator[str]:
    """List the keys of Q_BACKGROUND."""
    found = module("django_q.contrib.background.options")
    notes = remarks("DEFAULTS", Path(found.__file__))
    yield from table(
        ("Key", "Default", "Meaning", "Without it"),
        [
            (
                f"``{key}``",
                f"``{default!r}``",
                sentence(notes[key]),
                f"``{found.OLD_NAMES[key]}``" if key in found.OLD_NAMES else "",
            )
            for key, default in found.DEFAULTS.items()
        ],
    )


def class_text(path: str) -> Iterator[str]:
    """Describe a class, and what its own body has that is public and has a docstring."""
    name, _, attribute = path.rpartition(".")
    found = getattr(module(name), attribute)
    yield f".. py:class:: {path}"
    yield ""
    yield from indented(inspect.getdoc(found) or "")
    for member, value in vars(found).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if member.startswith("_") or not inspect.isfunction(function) or not inspect.getdoc(function):
            continue
        if isinstance(value, property):
            yield f"   .. py:attribute:: {member}"
        else:
            kind = "classmethod" if isinstance(value, classmethod) else "method"
            yield f"   .. py:{kind}:: {member}{arguments_of(function)}"
        yield ""
        yield from (f"   {line}" for line in indented(inspect.getdoc(function) or ""))


def arguments_of(function: Any) -> str:
    """Return the arguments of a method as one writes them, without types."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    empty = inspect.Parameter.empty
    return str(inspect.Signature([each.replace(annotation=empty) for each in parameters]))


def indented(text: str) -> Iterator[str]:
    """Yield a docstring as the content of a directive."""
    yield from (f"   {line}".rstrip() for line in text.splitlines())
    yield ""


# --- states --------------------------------------------------------------------------------------------------------


def remarks(name: str, path: Path | None = None) -> dict[str, str]:
    """Return the comment beside each member of a class of ``kernel/states.py``, or each key of a dict of a module."""
    text = (path or Path(module("django_q.kernel.states").__file__)).read_text(encoding="utf-8")
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    for node in ast.parse(text).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict) and node.target.id == name:  # type: ignore[union-attr]
            return {key.value: comments.get(key.lineno, "") for key in node.value.keys}  # type: ignore[union-attr,misc]
    body = next(node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == name)
    return {
        node.targets[0].id: comments.get(node.lineno, "")  # type: ignore[attr-defined]
        for node in body.body
        if isinstance(node, ast.Assign)
    }


def members_text(class_name: str) -> Iterator[str]:
    """List the members of an enumeration with the remark beside each."""
    found = remarks(class_name)
    yield from table(
        (class_name, "Meaning"),
        [(f"``{name}``", sentence(remark or name.capitalize().replace("_", " "))) for name, remark in found.items()],
    )


def transitions_text() -> Iterator[str]:
    """List the events, from which states they may start and where they lead."""
    states = module("django_q.kernel.states")
    found = remarks("Event")
    yield from table(
        ("Event", "From", "To", "When"),
        [
            (
                f"``{event.name}``",
                ", ".join(f"``{state.name}``" for state in sorted(sources)),
                f"``{target.name}``" if target is not None else "leaves the queue",
                sentence(found[event.name]),
            )
            for event, (sources, target) in states.TRANSITIONS.items()
        ],
    )


def sentence(text: str) -> str:
    """Return a remark as a sentence."""
    first, _, rest = text.rstrip(".").partition(" ")
    return f"{f'``{first}``' if '_' in first else first[:1].upper() + first[1:]} {rest}.".replace(" .", ".")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Write a list table."""
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield ""
    for row in (head, *rows):
        for number, cell in enumerate(row):
            yield f"   {'*' if number == 0 else ' '} - {cell}"
    yield ""
