"""The search of the lists."""

import pytest

from django_q.admin import search
from django_q.kernel.states import TaskState
from django_q.tasks import async_task
from django_q_tests.support.admin import page, succeed, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("what", ["id", "name", "group", "beginning of the name", "beginning of the function"])
def test_the_search_finds_a_task_by(boss, what):
    wanted = succeed(1, 2, task_name="carrots and peas", group="dinner")
    succeed(-1, func="operator.neg", task_name="something else")
    terms = {"id": wanted, "name": "carrots and peas", "group": "dinner", "beginning of the name": "carr"}

    found = text_of(page(boss, "success", f"?q={terms.get(what, 'operator.a')}"))

    assert "carrots and peas" in found and "something else" not in found


def test_beginnings_are_looked_for_among_the_newest_only(boss, monkeypatch):
    monkeypatch.setattr(search, "WINDOW", 2)
    for name in ("tea one", "tea two", "tea three"):
        succeed(1, 2, task_name=name)

    found = text_of(page(boss, "success", "?q=tea"))

    assert "tea three" in found and "tea two" in found and "tea one" not in found


def test_the_queue_can_be_searched_and_filtered(boss):
    async_task("operator.add", 1, 2, task_name="peas", cluster="kitchen")
    async_task("operator.add", 1, 2, task_name="nails")

    assert "nails" not in text_of(page(boss, "ormq", "?q=pea"))
    assert "peas" not in text_of(page(boss, "ormq", "?queue=default"))
    assert "nails" in text_of(page(boss, "ormq", f"?state__exact={TaskState.READY.value}"))
