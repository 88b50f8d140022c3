"""Who may see and do what."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from django_q.models import OrmQ, Task
from django_q_tests.support import factories
from django_q_tests.support.admin import LISTS, act, detail, fail, grant, page, succeed, text_of

pytestmark = pytest.mark.django_db


def test_who_may_only_look_is_offered_nothing_but_exports(reader):
    tasks = {"success": succeed(1, 2), "failure": fail(), "ormq": factories.put(1), "incarnation": factories.register()}

    for model, pk in tasks.items():
        listed, shown = page(reader, model), detail(reader, model, pk)
        assert listed.status_code == shown.status_code == 200
        assert set(re.findall(r'<option value="(\w+)"', text_of(listed))) <= {"export_csv", "export_json"}
        assert "_save" not in text_of(shown) and "deletelink" not in text_of(shown)
        assert "django-q-deeds" not in text_of(shown)


@pytest.mark.parametrize(
    ("model", "action"), [("failure", "requeue_selected"), ("ormq", "cancel_selected"), ("ormq", "delete_selected")]
)
def test_who_may_only_look_cannot_act_by_hand_either(reader, model, action):
    pk = fail() if model == "failure" else factories.put(1)

    act(reader, model, action, [pk])

    assert OrmQ.objects.filter(pk=pk).exists() or Task.objects.filter(pk=pk).exists()
    assert OrmQ.objects.count() + Task.objects.count() == 1


@pytest.mark.parametrize(
    ("model", "right", "offered"),
    [
        ("failure", "requeue_task", {"requeue_selected"}),
        ("failure", "delete_failure", {"delete_selected"}),
        ("failure", "change_failure", set()),
        ("ormq", "requeue_task", {"duplicate_selected"}),
        ("ormq", "cancel_task", {"cancel_selected"}),
        ("ormq", "change_ormq", {"change_priority_selected"}),
        ("ormq", "delete_ormq", {"delete_selected"}),
    ],
)
def test_each_deed_has_a_right_of_its_own(reader, model, right, offered):
    grant("reader", right)
    pk = fail() if model == "failure" else factories.put(1)

    listed, shown = text_of(page(reader, model)), text_of(detail(reader, model, pk))

    exports = {"export_csv", "export_json"}
    assert set(re.findall(r'<option value="(\w+)"', listed)) == offered | exports
    assert set(re.findall(r'name="action" value="(\w+)"', shown)) == offered - {"delete_selected"}


def test_a_right_that_was_taken_away_meanwhile_counts_when_it_is_confirmed(reader):
    user, task = grant("reader", "requeue_task"), fail()
    asked = act(reader, "failure", "requeue_selected", [task], confirmed=False)
    user.user_permissions.remove(Permission.objects.get(codename="requeue_task"))

    act(reader, "failure", "requeue_selected", [task])

    assert "Are you sure?" in text_of(asked)
    assert not OrmQ.objects.exists()


@pytest.mark.parametrize("model", ["success", "failure", "ormq"])
def test_arguments_and_results_are_shown_to_those_who_may_see_them_only(reader, model, monkeypatch):
    if model == "success":
        pk = succeed("rose", "bud")
    else:
        pk = fail("django_q_tests.support.jobs.fail", "rosebud") if model == "failure" else factories.put("rosebud")

    hidden = text_of(detail(reader, model, pk))
    grant("reader", "view_payload")
    reader.force_login(User.objects.get(username="reader"))
    shown = text_of(detail(reader, model, pk))

    assert hidden.count("You may not see arguments and results.") == (3 if model == "success" else 2)
    assert "You may not see" not in shown and "rosebud" in shown
    # The error and the traceback of a failure stay visible.
    assert ("rosebud" in hidden) == (model == "failure")


@pytest.mark.parametrize("model", [model for model in LISTS if model != "schedule"])
def test_nothing_can_be_added(boss, model):
    assert boss.get(f"{reverse(f'admin:django_q_{model}_changelist')}add/").status_code == 403


def test_nothing_can_be_edited(boss):
    task = succeed(1, 2)

    assert boss.post(reverse("admin:django_q_success_change", args=[task]), {"name": "forged"}).status_code == 403
