"""How large a thing may grow before it has to be split."""

import ast

from django_q_tests.architecture.source import sources

FILE_LINES = 400
FUNCTION_LINES = 40
# Names that say nothing about what is inside.
EMPTY_NAMES = {"utils", "common", "helpers", "misc", "core"}


def test_a_file_has_at_most_400_lines():
    lengths = {source.name: len(source.text.splitlines()) for source in sources()}

    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_a_function_has_at_most_40_lines():
    lengths = {
        f"{source.name}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}


def test_a_module_opens_with_its_responsibility():
    silent = [source.name for source in sources() if source.text.strip() and not ast.get_docstring(source.tree)]

    assert silent == []


def test_no_module_has_a_name_that_says_nothing():
    empty = [source.name for source in sources() if EMPTY_NAMES & {source.path.stem, *source.path.parent.parts[-1:]}]

    assert empty == []
