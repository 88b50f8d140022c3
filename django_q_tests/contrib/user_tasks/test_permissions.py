"""Who may see, cancel and delete the user tasks of whom."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Permission

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.permissions import may, visible_to

pytestmark = [pytest.mark.once, pytest.mark.django_db]
ACTIONS = ("view", "cancel", "change", "delete")


@pytest.fixture
def row():
    return UserTaskStatus.objects.create(user=user("ann"), task_id="1", total_steps=1)


def user(name, *permissions, **columns):
    made = get_user_model().objects.create_user(name, **columns)
    made.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return made


def allowed(who, row):
    return {action for action in ACTIONS if may(who, action, row)}


def test_an_owner_needs_no_permission_for_what_is_his(row):
    artifact = UserTaskArtifact.objects.create(status=row, text="done")

    assert allowed(row.user, row) == {"view", "cancel", "delete"}
    assert allowed(row.user, artifact) == {"view"}
    assert list(visible_to(row.user, UserTaskStatus.objects.all())) == [row]
    assert list(visible_to(row.user, UserTaskArtifact.objects.all())) == [artifact]


@pytest.mark.parametrize("make", [lambda: user("bob"), lambda: user("tim", is_staff=True), AnonymousUser])
def test_others_may_do_nothing(row, make):
    who = make()

    assert allowed(who, row) == set()
    assert not visible_to(who, UserTaskStatus.objects.all()).exists()


def test_staff_may_do_with_all_rows_what_permissions_say(row):
    who = user("tim", "view_usertaskstatus", "cancel_usertaskstatus", is_staff=True)

    assert allowed(who, row) == {"view", "cancel"}
    assert list(visible_to(who, UserTaskStatus.objects.all())) == [row]


def test_permissions_of_users_who_are_no_staff_do_not_open_the_rows_of_others(row):
    who = user("bob", *(f"{action}_usertaskstatus" for action in ACTIONS))

    assert allowed(who, row) == set()
    assert not visible_to(who, UserTaskStatus.objects.all()).exists()


def test_a_superuser_may_do_everything(row):
    who = user("eve", is_superuser=True)

    assert allowed(who, row) == set(ACTIONS)
    assert list(visible_to(who, UserTaskStatus.objects.all())) == [row]


def test_who_is_no_longer_active_may_do_nothing(row):
    row.user.is_active = False

    assert allowed(row.user, row) == set()
    assert not visible_to(row.user, UserTaskStatus.objects.all()).exists()
