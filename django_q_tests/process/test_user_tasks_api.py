"""The course export as a client sees it that knows nothing but HTTP."""

import pytest
import requests
from django.contrib.auth import get_user_model
from my_app.models import Course, Section
from my_app.tasks import export_task

from django_q_tests.support.clusters import Drill
from django_q_tests.support.rest import served

pytestmark = pytest.mark.once

_MANY = 5000  # sections; nobody waits for the last of them


class Client:
    """Somebody who has logged in by the form, as a browser does."""

    def __init__(self, origin: str, name: str, password: str) -> None:
        self.origin = origin
        self.session = requests.Session()
        page = f"{origin}/login/?next=/tasks/"
        self.session.get(page).raise_for_status()
        answer = self.ask("POST", page, data={"username": name, "password": password, "next": "/tasks/"})
        assert answer.url == f"{origin}/tasks/" and answer.json() == []

    def ask(self, verb: str, url: str, **more) -> requests.Response:
        token = self.session.cookies.get("csrftoken", "")
        return self.session.request(verb, url, headers={"X-CSRFToken": token, "Accept": "application/json"}, **more)

    def tasks(self) -> list[dict]:
        return self.ask("GET", f"{self.origin}/tasks/").json()


@pytest.fixture
def user(drill):
    return get_user_model().objects.create_user("ann", password="secret")


@pytest.fixture
def client(drill, user):
    with served() as origin:
        yield Client(origin, "ann", "secret")


def course(name: str, sections: int) -> Course:
    made = Course.objects.create(name=name)
    Section.objects.bulk_create(Section(course=made, name=f"Part {number}", text=".") for number in range(sections))
    return made


def export(drill: Drill, client: Client, user, course: Course) -> str:
    """Have a course exported, and return the address of the task, which is the newest of the list."""
    drill.ids.append(str(export_task.delay(user.pk, course.pk)))
    newest = client.tasks()[0]
    assert newest["name"] == f"Export of {course.name}"
    return newest["url"]


def until(drill: Drill, client: Client, url: str, wanted) -> dict:
    return drill.until(lambda: next(filter(wanted, [client.ask("GET", url).json()]), None))


def test_a_course_is_exported_read_canceled_and_deleted_over_http(drill, client, user):
    drill.start()

    url = export(drill, client, user, course("Botany", 3))
    ended = until(drill, client, url, lambda body: body["state"] == "Succeeded")
    assert (ended["completed_steps"], ended["total_steps"], ended["attempts"]) == (3, 3, 1)
    [link] = ended["artifacts"]
    artifact = client.ask("GET", link).json()
    assert artifact["text"].startswith("Part 0\n======\n\n.") and artifact["status"] == url

    long = export(drill, client, user, course("Zoology", _MANY))
    running = until(drill, client, long, lambda body: body["state"].startswith("Exporting Part "))
    assert running["completed_steps"] < _MANY
    answer = client.ask("POST", f"{long}cancel/")
    assert answer.status_code == 200 and answer.json()["state"] == "Canceled"
    assert drill.until_ended(drill.ids[-1]).reason == "canceled"
    stopped = client.ask("GET", long).json()
    assert stopped["state"] == "Canceled" and stopped["completed_steps"] < _MANY and stopped["artifacts"] == []

    assert client.ask("DELETE", url).status_code == 204
    assert client.ask("GET", url).status_code == client.ask("GET", link).status_code == 404
    assert [body["url"] for body in client.tasks()] == [long]


def test_a_task_that_runs_is_deleted_over_http_and_goes_on(drill, client, user):
    drill.start()
    url = export(drill, client, user, course("Zoology", 1000))
    until(drill, client, url, lambda body: body["state"].startswith("Exporting"))

    assert client.ask("DELETE", url).status_code == 204

    assert drill.until_ended(*drill.ids).success and client.tasks() == []
