"""Filters say how many rows each of their choices has, for whoever asks."""

import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from django_q.tasks import async_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def filters(client):
    """The texts of the filters of a list, with their counts."""
    client.force_login(User.objects.create_superuser("root"))

    def read(model, **query):
        answer = client.get(reverse(f"admin:django_q_{model}_changelist"), {"_facets": "True", **query})
        assert answer.status_code == 200
        found = re.search(r'id="changelist-filter".*?</nav>', answer.content.decode(), re.DOTALL)
        return [" ".join(text.split()) for text in re.findall(r"<a href=[^>]*>([^<]*)</a>", found[0])]

    return read


@pytest.fixture
def three_failures():
    for number in (-1, -2, "text"):
        with pytest.raises((ValueError, TypeError)):
            async_task("math.sqrt", number, sync=True, group="g" if number == -1 else None)


def test_the_counts_of_a_history(filters, three_failures):
    found = filters("failure")

    for text in ("math.sqrt (3)", "g (1)", "Today (3)", "Past 7 days (3)"):
        assert text in found


def test_counts_follow_the_other_filters(filters, three_failures):
    found = filters("failure", group="g")

    assert "math.sqrt (1)" in found
    assert "g (1)" in found


def test_the_counts_of_the_queue(filters):
    async_task("math.sqrt", 1)
    async_task("math.sqrt", 1, cluster="slow")

    found = filters("ormq")

    assert "ready (2)" in found
