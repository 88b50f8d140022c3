"""A link that logs somebody in and works once."""

from pathlib import Path

import pytest
from django.test import Client

from django_q.examples import project
from django_q.examples.project.entrance import path_for

pytestmark = pytest.mark.django_db
TEMPLATES = Path(project.__file__).parent / "templates"


@pytest.fixture(autouse=True)
def pages_of_the_project(settings):
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [TEMPLATES]}]


def is_in(client):
    return "_auth_user_id" in client.session


def test_the_link_logs_in_and_leads_to_the_list_of_experiments(client, user):
    answer = client.get(path_for(user))

    assert (answer.status_code, answer["Location"]) == (302, "/editor/")
    assert is_in(client)


def test_the_list_of_experiments_leads_to_the_buttons(client, user):
    page = client.get(path_for(user), follow=True).content.decode()

    main = page.partition("<main")[2]
    assert '<table id="experiments">' in main and 'href="/buttons/"' in main
    assert "Each button enqueues a call" in client.get("/buttons/").content.decode()


def test_the_site_opens_on_the_list_of_experiments(client):
    assert client.get("/")["Location"] == "/editor/"


def test_the_second_time_it_says_how_to_get_in(user):
    link = path_for(user)
    first, second = Client(), Client()

    first.get(link)
    answer = second.get(link)

    assert answer.status_code == 410 and not is_in(second)
    text = answer.content.decode()
    assert 'href="/login/"' in text and "python -m django_q demo" in text
    assert is_in(first)


def test_a_new_link_works_after_an_old_one_was_used(user):
    Client().get(path_for(user))
    user.refresh_from_db()
    again = Client()

    again.get(path_for(user))

    assert is_in(again)


def test_a_login_by_password_makes_the_link_void(client, user):
    link = path_for(user)
    client.login(username="ada", password="secret")
    stranger = Client()

    assert stranger.get(link).status_code == 410
    assert not is_in(stranger)


@pytest.mark.parametrize(
    "change",
    [
        lambda link: link[:-2] + ("x" if link[-2] != "x" else "y") + "/",
        lambda link: link.replace("enter/", "enter/9"),
        lambda link: "/enter/1/nonsense/",
    ],
    ids=["token", "user", "nonsense"],
)
def test_a_link_that_was_changed_does_not_work(client, user, change):
    assert client.get(change(path_for(user))).status_code == 410
    assert not is_in(client)


def test_a_link_is_followed_and_not_posted(client, user):
    assert client.post(path_for(user)).status_code == 405
