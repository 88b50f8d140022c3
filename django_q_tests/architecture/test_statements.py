"""Every statement about the systems whose users we invite has tests, and the tests are there."""

import ast
from functools import cache

import pytest

from django_q_tests.acceptance.statements import Peer
from django_q_tests.acceptance.systems import STATEMENTS, SYSTEMS
from django_q_tests.support.own_database import ROOT


@cache
def functions_of(file):
    tree = ast.parse((ROOT / "django_q_tests" / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("name", [name for name, each in STATEMENTS.items() if each.tests])
def test_the_tests_of_a_statement_are_there(name):
    for test in STATEMENTS[name].tests:
        file, _, function = test.partition("::")
        assert function in functions_of(file), test


def test_every_statement_has_a_test_and_a_name_of_its_own():
    assert len(STATEMENTS) == sum(map(len, SYSTEMS.values()))
    assert not [name for name, each in STATEMENTS.items() if not each.tests and each.peer is not Peer.SAME]


@pytest.mark.parametrize(
    ("system", "prefix", "count"),
    [
        ("django-background-tasks", "BG", 33),
        ("django-user-tasks", "UT", 38),
        ("Pytigon's live tasks", "PE", 33),
        ("pytask", "PT", 36),
        ("the experiment editor", "EX", 18),
    ],
)
def test_no_statement_is_missing(system, prefix, count):
    assert list(SYSTEMS[system]) == [f"{prefix}-{number:02}" for number in range(1, count + 1)]
