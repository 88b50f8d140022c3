"""The pages that satellites add to the admin: nothing on them breaks."""

import json

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from django_q.contrib.background.models import CompletedTask
from django_q.contrib.class_tasks import start_task
from django_q.contrib.class_tasks.models import ClassTask
from django_q.contrib.class_tasks.states import ENDED, KNOWN
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.tasks import async_chord
from django_q.testing import run_all
from django_q_tests.contrib.background import decorated
from django_q_tests.contrib.user_tasks.followed import bare, collects, counts, fails

OWN = "satellites"  # a queue without the rest of the scenery


@pytest.fixture
def background_tasks(scenery):
    """One row of each kind that the lists can hold: waiting, tried before, succeeded and failed."""
    creator = User.objects.get(username="boss")
    decorated.never_succeeds(queue=OWN)
    decorated.bare(1, 2, verbose_name="a sum", queue=OWN)
    decorated.fails(queue=OWN)
    run_all(queues=OWN)
    waiting = decorated.bare(3, 4, schedule=3600, repeat=60, creator=creator)
    return [
        ("background_task", waiting.pk),
        ("background_completedtask", CompletedTask.objects.filter(record__success=False).first().pk),
    ]


@pytest.fixture
def user_tasks(scenery):
    """User tasks in many states, with all kinds of artifacts, below a chord and its group."""
    user = User.objects.get(username="boss")
    fails.apply_async([user.pk, "There is no paper.", True], cluster=OWN)
    async_chord(counts, [(user.pk, 2), (user.pk, 3)], (collects, (user.pk,)), cluster=OWN)
    run_all(queues=OWN)
    bare.delay(user.pk)
    failed = UserTaskStatus.objects.get(state="Failed")
    made = UserTaskArtifact(status=failed, text="42\n" * 50, url="https://shop.example/report", file="a/report.txt")
    made.save()
    return [
        ("user_tasks_usertaskstatus", failed.pk),
        ("user_tasks_usertaskstatus", UserTaskStatus.objects.get(task_class="chord").pk),
        ("user_tasks_usertaskartifact", made.pk),
    ]


@pytest.fixture
def class_tasks(scenery):
    """A class task in each state; what ended has something to say."""
    waiting = start_task("shop/count", shelves=[1, 2])
    for state in KNOWN[1:]:
        row = ClassTask.objects.get(pk=start_task("shop/count", cleanup=False))
        output = json.dumps("Out of paper. " * 30) if state in ENDED else ""
        ClassTask.objects.filter(pk=row.pk).update(state=state, attempts=2, output=output)
    return [("class_tasks_classtask", waiting), ("class_tasks_classtask", ClassTask.objects.get(state="ERROR").pk)]


def test_every_list_and_every_row_can_be_looked_at(boss, background_tasks, user_tasks, class_tasks):
    rows = background_tasks + user_tasks + class_tasks
    lists = [reverse(f"admin:django_q_{model}_changelist") for model in dict(rows)]
    for address in lists + [reverse(f"admin:django_q_{model}_change", args=[pk]) for model, pk in rows]:
        boss.open(address)
        boss.audit("light", "dark")
