"""The systems whose users shall find everything here, each with its statements: one module, and one line, for each."""

from django_q_tests.acceptance import (
    statements,
    statements_background,
    statements_class_tasks,
    statements_experiments,
    statements_publish,
    statements_user_tasks,
)
from django_q_tests.acceptance.statements import Statement

SYSTEMS: dict[str, dict[str, Statement]] = {
    "Django Q": statements.STATEMENTS,
    "django-background-tasks": statements_background.STATEMENTS,
    "django-user-tasks": statements_user_tasks.STATEMENTS,
    "Pytigon's live tasks": statements_publish.STATEMENTS,
    "pytask": statements_class_tasks.STATEMENTS,
    "the experiment editor": statements_experiments.STATEMENTS,
}
#: All of them, by their names.
STATEMENTS = {name: each for found in SYSTEMS.values() for name, each in found.items()}
