"""The admin of class tasks: who sees it, and who may stop, reload and restart."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from django_q.contrib.class_tasks import client as tasks
from django_q.contrib.class_tasks import get_task, start_task, stop_task

pytestmark = [pytest.mark.once, pytest.mark.django_db]
LIST = "/admin/django_q_class_tasks/classtask/"


@pytest.fixture
def staff(client):
    """Log somebody in who has these permissions."""

    def logged_in(*codenames):
        user = get_user_model().objects.create_user("ann", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return logged_in


def act(browser, action, *ids):
    return browser.post(LIST, {"action": action, "_selected_action": ids}, follow=True)


def test_the_list_and_the_page_show_what_is_stored(admin_client):
    task_id = start_task("test/returns", value="ä")

    assert task_id in admin_client.get(LIST, {"state": "WAIT", "q": task_id}).text
    assert "test/returns" in admin_client.get(f"{LIST}{task_id}/change/").text
    assert task_id not in admin_client.get(LIST, {"state": "RUNNING"}).text


def test_who_may_control_stops_reloads_and_restarts(staff):
    browser = staff("view_classtask", "control_classtask")
    one, two = start_task("test/returns"), start_task("test/returns")
    tasks.rows().filter(pk=two).update(state="RUNNING")

    assert "2 class tasks were asked." in act(browser, "stop_selected", one, two).text
    assert get_task(one, "state") == "STOPPED" and tasks.rows().get(pk=two).control == "stop"
    assert "1 class task was asked." in act(browser, "reload_selected", two, one).text
    assert tasks.rows().get(pk=two).control == "reload"
    act(browser, "restart_selected", one, two)
    assert get_task(one, "state") == "WAIT"


def test_who_may_only_look_can_do_nothing(staff):
    browser = staff("view_classtask")
    one = start_task("test/returns")

    act(browser, "stop_selected", one)

    assert get_task(one, "state") == "WAIT"


def test_what_runs_cannot_be_deleted(staff):
    browser = staff("view_classtask", "delete_classtask")
    one, two = start_task("test/returns"), start_task("test/returns")
    tasks.rows().filter(pk=two).update(state="RUNNING")
    stop_task(one)

    for chosen in ([one, two], [one]):
        browser.post(LIST, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
        assert bool(get_task(one)) == (two in chosen)
    assert browser.post(f"{LIST}{two}/delete/", {"post": "yes"}).status_code == 403

    assert get_task(two, "state") == "RUNNING"
