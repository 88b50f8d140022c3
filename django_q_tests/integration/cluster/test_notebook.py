"""A keeper writes what the sentinel passes on, and no error of the database stops it."""

import logging

import pytest
from django.db import DataError, OperationalError, connection

from django_q.cluster.maintainer import Maintainer
from django_q.cluster.notebook import Notebook
from django_q.engine import progress
from django_q.kernel import ids
from django_q.models import Progress
from django_q.models.dialects import dialect_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def notebook():
    return Notebook("default")


@pytest.fixture
def complaints(caplog):
    progress.complain.clear()
    caplog.set_level(logging.WARNING, "django_q.tasks")
    return caplog


@pytest.fixture
def refusing(monkeypatch):
    """Let the database refuse every statement with this error until it is taken away."""
    errors = []

    def refuse(execute, sql, params, many, context):
        if errors:
            raise errors[0]
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield errors


def test_all_that_came_is_written_at_once_and_then_forgotten(notebook, django_assert_max_num_queries):
    one, other = ids.new_id(), ids.new_id()
    notebook.take([(one, 1.0, 10.0, "a"), (other, 5.0, None, "")])
    notebook.take([(one, 2.0, 10.0, "b")])

    with django_assert_max_num_queries(3):
        assert notebook.write()

    assert notebook.is_empty
    rows = Progress.objects.order_by("done").values_list("pk", "done", "total", "message")
    assert list(rows) == [(one, 2, 10, "b"), (other, 5, None, "")]


def test_what_could_not_be_written_is_kept_and_newer_values_win(notebook, refusing, complaints):
    one = ids.new_id()
    notebook.take([(one, 1.0, None, "")])
    refusing.append(OperationalError("the server has gone away"))
    assert [notebook.write() for _ in range(5)] == [False] * 5
    notebook.take([(one, 2.0, None, "")])
    refusing.clear()

    assert notebook.write()

    assert Progress.objects.get().done == 2
    assert len(complaints.records) == 1
    assert "is tried again: the server has gone away" in complaints.text


def test_what_is_refused_for_good_is_dropped_and_said_once(notebook, refusing, complaints):
    refusing.append(DataError("cannot be stored"))
    for _ in range(3):
        notebook.take([(ids.new_id(), 1.0, None, "")])
        assert notebook.write()

    assert notebook.is_empty
    assert [record.getMessage() for record in complaints.records] == [
        "The progress of tasks cannot be written: cannot be stored"
    ]


def test_the_maintainer_prunes_it_in_batches():
    many = [ids.new_id() for _ in range(1500)]
    notebook = Notebook("default")
    notebook.take([(id, 1.0, None, "") for id in many])
    notebook.write()
    Progress.objects.update(updated_at=dialect_for("default").later_expression(-7200))
    maintainer = Maintainer(ids.new_id(), "default")

    assert [maintainer.prune() for _ in range(3)] == [1000, 500, 0]

    assert not Progress.objects.exists()
