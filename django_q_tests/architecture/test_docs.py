"""The documentation names everything that is public, and nothing that is not there."""

import ast
import importlib.util
import re
from functools import cache
from textwrap import dedent

import pytest
from django.core.management import get_commands, load_command_class
from django.dispatch import Signal

import django_q
from django_q import conf, exceptions, signals, tasks
from django_q.models import Task
from django_q.tasks import options
from django_q_tests.architecture.source import PACKAGE, ROOT, sources

DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.rst") if "_build" not in page.parts)
TEXTS = [ROOT / "README.rst", *PAGES]
# What seed 002 says of the model.
ATTRIBUTES = "name func hook args kwargs result started stopped success time_taken get_result".split()


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


@cache
def text_of(name):
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def declared():
    """The functions that write the generated parts of the pages."""
    spec = importlib.util.spec_from_file_location("declared", DOCS / "_ext" / "declared.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def directive(page, name):
    """Return the words in the content of every use of a directive."""
    found = re.findall(rf"^\.\. {name}::(.*(?:\n(?:   .*)?)*)", text_of(page), re.MULTILINE)
    return " ".join(found).split()


def blocks(path, language):
    """Yield the code blocks of a page in one language."""
    pattern = rf"^( *)\.\. code-block:: {language}\n((?:\1 {{2,}}.*\n|\n)+)"
    for _, body in re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE):
        lines = body.split("\n")
        yield dedent("\n".join(line for line in lines if not re.match(r" +:\w+:", line)))


# --- what is public is documented ----------------------------------------------------------------------------------


def test_every_setting_is_on_the_page_of_settings_once():
    shown = directive("reference/settings.rst", "q-settings")

    assert sorted(shown) == sorted(conf.OPTIONS)


def test_a_setting_is_written_with_meaning_type_default_and_bounds(declared):
    text = "\n".join(declared.settings_text(["lease"]))

    assert conf.OPTIONS["lease"].meaning in text
    assert ":type: seconds (number or timedelta)" in text
    assert ":default: ``12.0``" in text
    assert "at least 0.1" in text


def test_every_setting_can_be_written(declared):
    text = "\n".join(declared.settings_text(conf.OPTIONS))

    assert text.count(".. confval::") == len(conf.OPTIONS)


def test_every_signal_says_when_it_is_sent_and_with_what(declared):
    ours = {name for name, value in vars(signals).items() if isinstance(value, Signal)}

    assert set(declared.signals()) == ours
    assert all(moment and arguments for moment, arguments in declared.signals().values())
    assert ".. q-signals::" in text_of("reference/signals.rst")


def test_every_exception_class_is_documented(declared):
    ours = {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type)
        and issubclass(value, BaseException)
        and value.__name__ == name
        and value.__module__ == exceptions.__name__
    }

    assert {each.__name__ for each in declared.errors()} == ours
    assert all(each.__doc__ for each in declared.errors())
    assert ".. q-errors::" in text_of("reference/errors.rst")


def test_every_command_and_each_of_its_options_is_documented(declared):
    ours = [name for name, app in get_commands().items() if app == "django_q" or app.startswith("django_q.contrib.")]

    assert sorted(directive("reference/commands.rst", "q-commands")) == sorted(ours) == list(declared.commands())
    for name in ours:
        text = "\n".join(declared.command_text(name))
        for action in declared.own_actions(load_command_class(get_commands()[name], name), name):
            assert action.help, action
            assert all(flag in text for flag in action.option_strings)


@pytest.mark.parametrize("name", tasks.__all__)
def test_every_function_of_tasks_is_documented(name):
    assert re.search(rf"^\.\. py:(function|class|decorator):: {name}\b", text_of("tasks.rst"), re.MULTILINE)


@pytest.mark.parametrize("name", django_q.__all__)
def test_every_public_name_of_the_package_is_documented(name):
    if name != "__version__":
        pages = text_of("tasks.rst") + text_of("reference/compatibility.rst")
        assert re.search(rf"^\.\. py:(function|class|decorator):: {name}\b", pages, re.MULTILINE)


def test_the_page_of_tasks_begins_with_the_keyword():
    first = text_of("tasks.rst").split("\n\n")[1]

    assert "keyword" in first
    assert all(word in first for word in ("async_task", "async_", 'getattr(django_q, "async")'))


@pytest.mark.parametrize("name", sorted(options.OPTIONS))
def test_every_option_of_a_task_is_in_the_table(name):
    assert re.search(rf"^   \* - ``{name}``$", text_of("tasks.rst"), re.MULTILINE)


def test_what_the_page_says_of_the_model_is_there():
    part = text_of("tasks.rst").partition(".. py:class:: Task\n")[2].partition(".. py:class:: Success")[0]
    documented = re.findall(r"\.\. py:(?:attribute|method|classmethod):: (\w+)", part)

    assert set(ATTRIBUTES) <= set(documented)
    assert [name for name in documented if not hasattr(Task, name)] == []


def test_every_check_is_documented():
    code = re.compile(r"""(?:"|PACKAGE}\.)([EW]\d{3})\"""")
    written = {f"django_q.{found}" for source in sources() for found in code.findall(source.text)}
    documented = set(re.findall(r"\* - ``(django_q\.[EW]\d{3})``", text_of("reference/checks.rst")))

    assert documented == written


def test_every_transition_is_shown(declared):
    table = "\n".join(declared.transitions_text())

    assert ".. q-transitions::" in text_of("explanation/lifecycle.rst")
    assert all(f"``{event.name}``" in table for event in declared.module("django_q.kernel.states").Event)


# --- what is documented is there -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=names(PAGES))
def test_what_a_page_includes_exists(path):
    pattern = r"\.\. literalinclude:: (\S+)\n((?: +:.*\n)*)"
    for target, settings in re.findall(pattern, path.read_text(encoding="utf-8")):
        included = (path.parent / target).resolve()
        assert included.exists(), target
        for mark in re.findall(r":(?:start-at|end-at|start-after|end-before): (.*)", settings):
            assert mark in included.read_text(encoding="utf-8"), (target, mark)


@pytest.mark.parametrize("path", TEXTS, ids=names(TEXTS))
def test_the_commands_of_a_page_exist(path):
    text = path.read_text(encoding="utf-8")
    known = get_commands()
    for name in re.findall(r"manage\.py ([a-z]\w+)", text):
        assert name in known, name
    for line in re.findall(r"manage\.py ((?:qcluster|qinfo) --.*?)(?:`|$| {2})", text, re.MULTILINE):
        name = line.split()[0]
        parser = load_command_class("django_q", name).create_parser("manage.py", name)
        for flag in re.findall(r"--[a-z-]+", line):
            assert flag in parser._option_string_actions, line
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for target in re.findall(r"(?:\$ |``)make ([a-z-]+)", text):
        assert target in targets, target


@pytest.mark.parametrize("path", TEXTS, ids=names(TEXTS))
def test_the_python_of_a_page_can_be_parsed(path):
    for block in blocks(path, "python"):
        ast.parse(block)


@pytest.mark.parametrize("path", TEXTS, ids=names(TEXTS))
def test_a_test_that_a_page_names_exists(path):
    there = {name for file in files_of_tests() for name in re.findall(r"def (test_\w+)\(", file.read_text("utf-8"))}
    named = re.findall(r"``(test_\w+)``", path.read_text(encoding="utf-8"))

    assert sorted(set(named) - there) == []


@pytest.mark.parametrize("path", TEXTS, ids=names(TEXTS))
def test_a_file_that_a_page_names_exists(path):
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"``((?:django_q|docs)/[\w./-]+)``", text):
        assert (ROOT / name).exists(), name


def test_the_files_and_functions_of_the_table_where_is_it_exist():
    part = text_of("explanation/architecture.rst").partition("Where is it?")[2].partition("\nTables\n")[0]
    files = [name for name in re.findall(r"``([\w/]+(?:\.py|/))``", part) if name != "django_q/"]

    assert len(files) > 30
    assert [name for name in files if not (PACKAGE / name).exists()] == []
    for name, function in re.findall(r"``([\w/]+\.py)``: ``(\w+)``", part):
        assert f"def {function}(" in (PACKAGE / name).read_text("utf-8"), (name, function)


def test_every_promise_is_shown_by_tests():
    sections = re.split(r"\n(?=[^\n]+\n-+\n)", text_of("explanation/delivery.rst"))[1:]

    assert len(sections) == 12
    assert [section.split("\n")[0] for section in sections[:-1] if "Shown by ``test_" not in section] == []


@pytest.mark.parametrize("path", TEXTS, ids=names(TEXTS))
def test_nothing_is_left_to_be_written(path):
    assert not re.search(r"TODO|FIXME|TBD|@@|\bXXX\b", path.read_text(encoding="utf-8"))


@cache
def files_of_tests():
    return tuple((ROOT / "django_q_tests").rglob("test_*.py"))
