"""django-rules, the package itself: where it has a rule for a permission, that decides."""

from uuid import uuid4

import pytest
import rules
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.permissions import permission
from django_q.contrib.user_tasks.rules import add_rules, is_artifact_creator, is_status_creator

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.urls("django_q.contrib.user_tasks.urls")]


@pytest.fixture(autouse=True)
def _rules(settings):
    settings.AUTHENTICATION_BACKENDS = [
        "rules.permissions.ObjectPermissionBackend",
        "django.contrib.auth.backends.ModelBackend",
    ]
    yield
    rules.permissions.permissions.clear()


def rule(action, predicate, model=UserTaskStatus):
    rules.set_perm(permission(action, model), predicate)


def client_of(user):
    client = APIClient()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def user(name, **columns):
    return get_user_model().objects.create_user(name, **columns)


def make(owner):
    row = UserTaskStatus.objects.create(user=owner, task_id=str(uuid4()), name="Export", total_steps=1)
    return row, UserTaskArtifact.objects.create(status=row, text="done")


CALLS = """
                                    owner  other  superuser  staff
    GET     /tasks/                 200    200    200        200
    GET     /tasks/{task}/          200    404    200        404
    POST    /tasks/{task}/cancel/   200    404    200        404
    PUT     /tasks/{task}/          403    403    405        403
    DELETE  /tasks/{task}/          204    404    204        404
    GET     /artifacts/             200    200    200        200
    GET     /artifacts/{artifact}/  200    404    200        404
    DELETE  /artifacts/{artifact}/  403    403    405        403
"""
WHO = CALLS.split("\n")[1].split()
LINES = [line.split() for line in CALLS.strip().split("\n")[1:]]


@pytest.mark.parametrize("who", WHO)
def test_with_the_rules_as_they_are_each_role_may_do_what_it_may_without_them(who):
    add_rules()
    add_rules()
    owner = user("ann")
    asking = owner if who == "owner" else user(who, is_superuser=who == "superuser", is_staff=who == "staff")
    # Given by Django, but it is the rules that are asked.
    asking.user_permissions.set(Permission.objects.filter(content_type__app_label="django_q_user_tasks"))
    client = client_of(asking)
    answered = {}
    for verb, address, *_ in LINES:
        row, artifact = make(owner)
        answered[verb, address] = client.generic(
            verb, address.format(task=row.uuid, artifact=artifact.uuid)
        ).status_code

    assert answered == {(verb, path): int(codes[WHO.index(who)]) for verb, path, *codes in LINES}
    sees = who in ("owner", "superuser")
    assert len(client.get("/tasks/").json()) == (UserTaskStatus.objects.count() if sees else 0)


def test_a_rule_opens_a_row_that_no_list_shows():
    @rules.predicate
    def helps(asking, row):
        return asking.username == "helper" and row.name == "Export"

    for action in ("view", "cancel"):
        rule(action, helps)
    row, _ = make(user("ann"))
    client = client_of(user("helper"))

    assert client.get(f"/tasks/{row.uuid}/").status_code == 200
    assert client.post(f"/tasks/{row.uuid}/cancel/").json()["state"] == "Canceled"
    assert client.delete(f"/tasks/{row.uuid}/").status_code == 403  # no rule says anything about that


def test_a_rule_takes_from_owners_what_was_theirs():
    rule("cancel", rules.is_staff)
    rule("view", rules.is_staff, UserTaskArtifact)
    row, artifact = make(user("ann"))
    client = client_of(row.user)

    assert client.get(f"/tasks/{row.uuid}/").status_code == 200
    assert client.post(f"/tasks/{row.uuid}/cancel/").status_code == 403
    assert client.get(f"/artifacts/{artifact.uuid}/").status_code == 404
    assert client.get("/artifacts/").status_code == 403
    assert client_of(user("tim", is_staff=True)).get(f"/artifacts/{artifact.uuid}/").status_code == 200


def test_a_rule_that_holds_for_no_row_in_particular_does_not_show_staff_the_rows_of_all():
    rule("view", is_status_creator)
    make(user("ann"))

    assert client_of(user("tim", is_staff=True)).get("/tasks/").json() == []


def test_who_made_something_is_told_by_predicates():
    row, artifact = make(user("ann"))
    bob = user("bob")

    assert is_status_creator(row.user, row) and not is_status_creator(bob, row)
    assert is_artifact_creator(row.user, artifact) and not is_artifact_creator(bob, artifact)
