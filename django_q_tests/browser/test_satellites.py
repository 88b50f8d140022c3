"""The pages that satellites add to the admin: nothing on them breaks."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from django_q.contrib.background.models import CompletedTask
from django_q.testing import run_all
from django_q_tests.contrib.background.decorated import bare, fails, never_succeeds

OWN = "satellites"  # a queue without the rest of the scenery


@pytest.fixture
def rows(scenery):
    """One row of each kind that the lists can hold: waiting, tried before, succeeded and failed."""
    creator = User.objects.get(username="boss")
    never_succeeds(queue=OWN)
    bare(1, 2, verbose_name="a sum", queue=OWN)
    fails(queue=OWN)
    run_all(queues=OWN)
    waiting = bare(3, 4, schedule=3600, repeat=60, creator=creator)
    return {
        "background_task": waiting.pk,
        "background_completedtask": CompletedTask.objects.filter(record__success=False).first().pk,
    }


def test_every_list_and_every_row_can_be_looked_at(boss, rows):
    for model, pk in rows.items():
        boss.open(reverse(f"admin:django_q_{model}_changelist"))
        boss.audit("light", "dark")
        boss.open(reverse(f"admin:django_q_{model}_change", args=[pk]))
        boss.audit("light", "dark")
