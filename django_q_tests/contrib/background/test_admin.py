"""The admin of background tasks."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from django_q.contrib.background.models import CompletedTask, Task
from django_q.kernel.states import TaskState
from django_q.models import OrmQ
from django_q.testing import run_all
from django_q_tests.contrib.background import decorated
from django_q_tests.contrib.background.decorated import bare, fails
from django_q_tests.support import factories
from django_q_tests.support.admin import statements, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def reader(client):
    """Somebody who may look at the lists, and do nothing else."""
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="django_q_background", codename__startswith="view_")
    )
    client.force_login(user)
    return client


def address(model, *keys):
    return reverse(f"admin:django_q_background_{model}_{'change' if keys else 'changelist'}", args=keys)


def seen(client, model, query=""):
    """Return the rows of a list."""
    response = client.get(address(model) + query)
    assert response.status_code == 200
    return set(response.context["cl"].result_list)


def act(client, model, action, rows, **more):
    data = {"action": action, "_selected_action": [row.pk for row in rows], "post": "yes", **more}
    return client.post(address(model), data, follow=True)


def claim(task):
    cluster = factories.register()
    OrmQ.objects.filter(pk=task.pk).update(state=TaskState.CLAIMED, claimed_by=cluster, token="t" * 16)
    return cluster


def complete(name, *args, **options):
    task = getattr(decorated, name)(*args, **options)
    run_all()
    return CompletedTask.objects.get(pk=task.pk)


# --- lists ---------------------------------------------------------------------------------------------------------


def test_the_list_shows_what_waits_with_all_that_the_call_said(boss):
    ended = complete("echo", "over")
    group = Group.objects.create(name="laboratory")
    task = bare(1, right=2, verbose_name="the sum", priority=7, queue="mails", creator=group)

    text = text_of(boss.get(address("task")))

    for shown in ("the sum", "[[1], {&quot;right&quot;: 2}]", ">7<", ">mails<", "laboratory"):
        assert shown in text, shown
    assert seen(boss, "task") == {task} and seen(boss, "completedtask") == {ended}


def test_smaller_first_priorities_are_shown_as_the_call_said_them(boss, settings):
    settings.Q_BACKGROUND = {"priority_ordering": "ASC"}
    bare(1, 2, priority=7)

    assert ">7<" in text_of(boss.get(address("task")))


def test_the_filters_narrow_the_lists(boss):
    waiting, held, named = bare(1, 2), bare(3, 4), decorated.named()
    claim(held)
    bad = fails()
    run_all()
    good, canceled = complete("echo"), complete("never_succeeds")

    waiting = set(Task.objects.filter(pk=waiting.pk))
    assert seen(boss, "task", "?locked=1") == {held}
    assert seen(boss, "task", "?error=1") == {bad} and bad not in seen(boss, "task", "?error=0")
    assert seen(boss, "task", "?task_name=" + bad.task_name) == {bad}
    assert seen(boss, "completedtask", "?error=1") == {canceled}
    assert good in seen(boss, "completedtask", "?error=0") and waiting.isdisjoint(seen(boss, "task", "?queue=q"))
    assert seen(boss, "completedtask", "?queue=q") == {CompletedTask.objects.get(pk=named.pk)}
    assert boss.get(address("task") + "?error=x&queue=%00&task_name=%00").status_code in (200, 302)


def test_a_task_is_searched_for_by_its_id_and_its_names(boss):
    task, other = bare(1, 2, verbose_name="the sum"), decorated.echo(1)

    for term in (task.pk, "the sum", "the s"):
        assert seen(boss, "task", f"?q={term}") == {task}, term
    assert seen(boss, "task", f"?q={other.task_name}") == {other}
    assert seen(boss, "task", "?q=nothing") == set()


def test_a_list_costs_the_same_whatever_its_length(boss):
    group = Group.objects.create(name="laboratory")
    bare(1, 2, creator=group)
    boss.get(address("task"))
    few = len(statements(boss, address("task")))
    for number in range(20):
        bare(number, 2, creator=group)

    assert len(statements(boss, address("task"))) == few


def test_what_waits_is_shown_page_by_page_newest_first_among_tasks_of_other_kinds(boss):
    tasks = [bare(number, 2) for number in range(60)]
    factories.put_many([(1, 2)] * 20)

    pages = [boss.get(address("task") + query).context["cl"] for query in ("", "?p=2")]

    assert [row for page in pages for row in page.result_list] == tasks[::-1]
    assert pages[0].result_count == 60 and [len(page.result_list) for page in pages] == [50, 10]


# --- one row -------------------------------------------------------------------------------------------------------


def test_a_page_leads_to_the_queue_the_cluster_and_the_creator(boss):
    creator = User.objects.get(username="boss")
    task = bare(1, 2, creator=creator, repeat=3600)
    cluster = claim(task)

    text = text_of(boss.get(address("task", task.pk)))

    assert reverse("admin:django_q_ormq_change", args=[task.pk]) in text
    assert reverse("admin:django_q_incarnation_change", args=[cluster]) in text
    assert reverse("admin:auth_user_change", args=[creator.pk]) in text
    assert "3600" in text and '<input type="submit" value="Save"' not in text


@pytest.mark.parametrize(("name", "page"), [("echo", "success"), ("never_succeeds", "failure")])
def test_a_page_of_what_ended_leads_to_the_history_and_shows_the_error(boss, name, page):
    task = complete(name)

    text = text_of(boss.get(address("completedtask", task.pk)))

    assert reverse(f"admin:django_q_{page}_change", args=[task.pk]) in text
    assert ("no such order" in text) == (page == "failure")


def test_a_creator_that_is_gone_or_whose_key_is_a_text_is_shown(boss):
    session = Session.objects.create(session_key="0b5d6a34-uuid-like", expire_date=timezone.now())
    bare(1, 2, creator=session)
    group = Group.objects.create(name="laboratory")
    bare(3, 4, creator=group)
    key = group.pk
    group.delete()

    text = text_of(boss.get(address("task")))

    assert "0b5d6a34-uuid-like" in text and f">{key}<" in text


# --- actions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("action", "step"), [("raise_selected", 1), ("lower_selected", -1)])
@pytest.mark.parametrize("ordering", ["DESC", "ASC"])
def test_priorities_change_by_one_and_what_runs_is_left_and_counted(boss, settings, action, step, ordering):
    settings.Q_BACKGROUND = {"priority_ordering": ordering}
    tasks = [bare(number, 2, priority=number) for number in range(4)]
    claim(tasks[3])

    answer = text_of(act(boss, "task", action, tasks))

    assert [Task.objects.get(pk=task.pk).priority for task in tasks] == [step, 1 + step, 2 + step, 3]
    assert f"Priority {'+' if step > 0 else '-'}1: 3." in answer and answer.count("a cluster has claimed it.") == 1
    assert LogEntry.objects.count() == 3


def test_a_priority_stays_within_what_can_be_stored(boss):
    task = bare(1, 2, priority=32767)

    assert "it has the last of all priorities." in text_of(act(boss, "task", "raise_selected", [task]))
    assert OrmQ.objects.get().priority == 32767


def test_cancel_ends_what_waits_and_asks_what_runs_to_stop(boss):
    waiting, held = bare(1, 2), bare(3, 4)
    claim(held)

    answer = act(boss, "task", "cancel_selected", [waiting, held])

    assert "Canceled, or asked to stop: 2." in text_of(answer)
    assert CompletedTask.objects.get() == waiting
    assert OrmQ.objects.get(pk=held.pk).stop_requested_at is not None


def test_what_ended_runs_again_once_under_a_new_id(boss):
    group = Group.objects.create(name="laboratory")
    ended = complete("bare", 2, 3, queue="mails", priority=4, verbose_name="the sum", repeat=3600, creator=group)
    Task.objects.all().drop()

    answer = act(boss, "completedtask", "run_again_selected", [ended])

    assert "Enqueued again: 1." in text_of(answer)
    again = Task.objects.get()
    assert again.pk != ended.pk and (again.queue, again.priority, again.repeat) == ("mails", 4, 0)
    assert (again.params(), str(again), again.creator) == (([2, 3], {}), "the sum", group)
    run_all()
    assert CompletedTask.objects.get(pk=again.pk).record.result == 5


# --- rights --------------------------------------------------------------------------------------------------------


def test_who_may_only_look_sees_no_parameters_and_is_offered_nothing(reader):
    ended = complete("echo", "secret")
    task = bare("secret", 2)

    for model, row in (("task", task), ("completedtask", ended)):
        for url in (address(model), address(model, row.pk)):
            text = text_of(reader.get(url))
            assert "secret" not in text and 'value="raise_selected"' not in text
            assert 'value="cancel_selected"' not in text and 'value="run_again_selected"' not in text
    for model, action, row in (
        ("task", "raise_selected", task),
        ("task", "cancel_selected", task),
        ("completedtask", "run_again_selected", ended),
    ):
        assert act(reader, model, action, [row]).status_code == 403
    assert OrmQ.objects.get(pk=task.pk).priority == 0 and not Task.objects.exclude(pk=task.pk).exists()


def test_a_stranger_sees_nothing(client):
    client.force_login(User.objects.create_user("stranger", is_staff=True))

    assert {client.get(address(model)).status_code for model in ("task", "completedtask")} == {403}
