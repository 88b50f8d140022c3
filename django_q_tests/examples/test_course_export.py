"""The course export: the code of the text it comes from, with no edits but the allowed ones, and it runs."""

from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from my_app import minimal_tasks, tasks
from my_app.models import Course

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.testing import run_all

SEEDS = Path(__file__).resolve().parent.parent / "seeds"

# What had to change: whence things are imported, and how a course is asked for its sections.
EDITS = [
    ("from celery import shared_task", "from django_q import shared_task"),
    ("from user_tasks.models import", "from django_q.contrib.user_tasks.models import"),
    ("from user_tasks.tasks import", "from django_q.contrib.user_tasks.tasks import"),
    ("course.sections():", "course.sections.all():"),
]


def seed(name):
    text = (SEEDS / f"{name}.txt").read_text()
    for before, after in EDITS:
        text = text.replace(before, after)
    classes, decorator, body = text.partition("@shared_task")
    # The text names a variable there that does not exist.
    return classes + decorator + body.replace("arguments_dict['course_id']", "course_id")


@pytest.mark.parametrize(("module", "name"), [(minimal_tasks, "001_minimal"), (tasks, "001_tasks")])
def test_the_tasks_are_those_of_the_text(module, name):
    assert Path(module.__file__).read_text().partition("# fmt: off\n\n")[2] == seed(name)


@pytest.fixture
def course(db):
    course = Course.objects.create(name="Botany")
    for number in (1, 2, 3):
        course.sections.create(name=f"Part {number}", text=f"Text {number}.")
    return course


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("ann")


EXPORT = "".join(f"Part {number}\n======\n\nText {number}.\n\n" for number in (1, 2, 3))


def test_the_minimal_task_exports_a_course(user, course):
    minimal_tasks.export_task.delay(user.pk, course.pk)
    row = UserTaskStatus.objects.get()
    assert (row.name, row.total_steps) == ("export_task", 1)

    run_all(raise_errors=True)

    row.refresh_from_db()
    assert (row.state, row.artifacts.get().text) == ("Succeeded", EXPORT)


def test_the_task_tells_its_name_its_state_and_its_progress(user, course, monkeypatch):
    seen = []

    def export(section):
        row = UserTaskStatus.objects.get()
        seen.append((row.state, row.completed_steps))
        return section.name

    monkeypatch.setattr("my_app.models.Section.export", export)
    tasks.export_task.delay(user_id=user.pk, course_id=course.pk)
    row = UserTaskStatus.objects.get()
    assert (row.name, row.state, row.total_steps) == ("Export of Botany", "Pending", 3)

    run_all(raise_errors=True)

    row.refresh_from_db()
    assert seen == [("Exporting Part 1", 0), ("Exporting Part 2", 1), ("Exporting Part 3", 2)]
    assert (row.state, row.completed_steps) == ("Succeeded", 3)
    assert UserTaskArtifact.objects.get().text == "Part 1Part 2Part 3"
