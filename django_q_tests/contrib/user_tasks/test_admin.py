"""The admin of user tasks, as a browser uses it."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.models import OrmQ
from django_q.testing import run_all
from django_q_tests.contrib.user_tasks import followed

pytestmark = pytest.mark.django_db

LIST = "admin:django_q_user_tasks_usertaskstatus_changelist"
PAGE = "admin:django_q_user_tasks_usertaskstatus_change"
ARTIFACTS = "admin:django_q_user_tasks_usertaskartifact_changelist"
ARTIFACT = "admin:django_q_user_tasks_usertaskartifact_change"


@pytest.fixture
def user():
    return get_user_model().objects.create_user("ann", "ann@example.com")


def names(response):
    return [row.name for row in response.context["cl"].result_list]


def test_the_list_shows_the_newest_first_with_state_and_steps(admin_client, user):
    for number in range(3):
        created = timezone.now() - timedelta(hours=number)
        UserTaskStatus.objects.create(
            user=user, task_id=f"t{number}", name=f"n{number}", total_steps=9, created=created, completed_steps=number
        )

    response = admin_client.get(reverse(LIST))

    assert names(response) == ["n0", "n1", "n2"] and b"2 / 9" in response.content


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "Pending"}, ["a"]),
        ({"state": "other"}, ["b"]),
        ({"q": "ann@example"}, ["a", "b"]),
        ({"q": "t-b"}, ["b"]),
        ({"q": "nothing"}, []),
    ],
)
def test_rows_are_found_by_state_and_by_words(admin_client, user, query, found):
    UserTaskStatus.objects.create(user=user, task_id="t-a", name="a", total_steps=1)
    UserTaskStatus.objects.create(user=user, task_id="t-b", name="b", total_steps=1, state="Exporting")

    assert sorted(names(admin_client.get(reverse(LIST), query))) == found


def test_a_row_is_found_by_its_uuid(admin_client, user):
    row = UserTaskStatus.objects.create(user=user, task_id="t", name="a", total_steps=1)

    assert names(admin_client.get(reverse(LIST), {"q": str(row.uuid)})) == ["a"]


def test_a_page_shows_artifacts_and_leads_to_the_core_task(admin_client, user):
    task = followed.fails.delay(user.pk, "It is empty.", user_facing=True)
    row = UserTaskStatus.objects.get()
    assert reverse("admin:django_q_ormq_change", args=[task]) in admin_client.get(reverse(PAGE, args=[row.pk])).text
    run_all()

    page = admin_client.get(reverse(PAGE, args=[row.pk])).text

    assert "It is empty." in page and reverse("admin:django_q_failure_change", args=[task]) in page
    assert 'name="_save"' not in page
    assert admin_client.get(reverse(PAGE.replace("_change", "_add"))).status_code == 403


def test_a_container_leads_to_its_members(admin_client, user):
    above = UserTaskStatus.objects.create(user=user, task_id="c", name="c", total_steps=1, is_container=True)
    UserTaskStatus.objects.create(user=user, task_id="t", name="a", total_steps=1, parent=above)

    query = f"?parent__id__exact={above.pk}"
    assert query in admin_client.get(reverse(PAGE, args=[above.pk])).text
    assert names(admin_client.get(reverse(LIST) + query)) == ["a"]


def test_artifacts_are_listed_and_shown(admin_client, user):
    row = UserTaskStatus.objects.create(user=user, task_id="t", name="a", total_steps=1)
    artifact = UserTaskArtifact.objects.create(status=row, text="x" * 100)
    UserTaskArtifact.objects.create(status=row, name="Error", text="no paper")

    assert "x" * 59 + "…" in admin_client.get(reverse(ARTIFACTS)).text
    assert [
        each.text for each in admin_client.get(reverse(ARTIFACTS), {"name": "Error"}).context["cl"].result_list
    ] == ["no paper"]
    assert "x" * 100 in admin_client.get(reverse(ARTIFACT, args=[artifact.pk])).text


def cancel(client, *rows):
    data = {"action": "cancel_selected", "_selected_action": [row.pk for row in rows]}
    return client.post(reverse(LIST), data, follow=True)


def test_staff_with_the_permission_cancel_tasks(client, user):
    staff = get_user_model().objects.create_user("bob", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_usertaskstatus"))
    client.force_login(staff)
    followed.bare.delay(user.pk)
    row = UserTaskStatus.objects.get()

    cancel(client, row)
    row.refresh_from_db()
    assert row.state == "Pending"

    staff.user_permissions.add(Permission.objects.get(codename="cancel_usertaskstatus"))
    client.force_login(get_user_model().objects.get(pk=staff.pk))
    response = cancel(client, row)
    row.refresh_from_db()
    assert row.state == "Canceled" and not OrmQ.objects.exists()
    assert "1 user task was canceled." in response.text


def test_what_has_ended_is_not_canceled_again(admin_client, user):
    row = UserTaskStatus.objects.create(user=user, task_id="t", name="a", total_steps=1, state="Failed")

    assert "0 user tasks were canceled." in cancel(admin_client, row).text


def test_a_page_of_more_rows_than_are_counted_asks_little(admin_client, user):
    rows = (
        UserTaskStatus(user=user, task_id=f"t{number}", name="a", total_steps=1, state="Succeeded")
        for number in range(12_000)
    )
    UserTaskStatus.objects.bulk_create(rows, batch_size=5000)

    with CaptureQueriesContext(connection) as asked:
        response = admin_client.get(reverse(LIST))

    assert len(asked) <= 8 and response.context["cl"].paginator.count == 10_000
    assert sum(float(query["time"]) for query in asked) < 3  # seconds, on the busiest machine
    assert not [query["sql"] for query in asked if "COUNT" in query["sql"] and "LIMIT" not in query["sql"]]
