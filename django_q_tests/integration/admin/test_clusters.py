"""The pages of the clusters, and the action that stops them."""

import json
import re

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from django_q.models import Incarnation
from django_q.tasks import backlog
from django_q_tests.support import factories

pytestmark = pytest.mark.django_db

STATS = {
    "state": "working",
    "workers": [
        {"pid": 11, "running": ["app.tasks.mail"], "tasks": ["a" * 32], "given": 1},
        {"pid": 12, "running": [], "tasks": [], "given": 0},
    ],
    "processes": {"pusher": [13], "monitor": [14], "keeper": [15]},
    "held": 1,
    "succeeded": 7,
    "memory": {"4711": 30 * 1024, "11": 50 * 1024, "12": 20 * 1024},
    "replaced": {"recycled": 2, "worker": 1, "monitor": 1},
    "about": {"lease": 60.0},
}


def cluster(stats=STATS, **columns):
    id = factories.register(**{"name": "web", "pid": 4711, **columns})
    Incarnation.objects.filter(pk=id).update(stats=json.dumps(stats))
    return id


def listed(client):
    return client.get(reverse("admin:django_q_incarnation_changelist")).content.decode()


def shown(client, id):
    return client.get(reverse("admin:django_q_incarnation_change", args=[id])).content.decode()


def cell(page, column):
    return re.search(rf'field-{column}[^>]*">(.*?)</t[dh]>', page)[1]


def stop(client, *ids, confirmed=True):
    data = {"action": "stop_selected", "_selected_action": ids, **({"post": "yes"} if confirmed else {})}
    return client.post(reverse("admin:django_q_incarnation_changelist"), data, follow=confirmed)


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_a_cluster_shows_its_processes_and_what_they_run(boss):
    id = cluster()

    page = shown(boss, id)

    assert "1 of 2 busy" in listed(boss) and "working" in listed(boss)
    assert "sentinel 4711; pusher 13; monitor 14; keeper 15" in page
    assert "app.tasks.mail" in page and "7 succeeded" in page


def test_the_memory_of_all_its_processes_is_in_the_list_and_that_of_each_worker_on_its_page(boss):
    id = cluster()

    assert cell(listed(boss), "memory") == "100 MiB"
    assert re.search(r"<td>11</td><td>app.tasks.mail</td><td>1</td><td>50 MiB</td>", shown(boss, id))


def test_where_the_system_does_not_tell_the_memory_there_is_none(boss):
    cluster({**STATS, "memory": {}})

    assert cell(listed(boss), "memory") == "-"


def test_the_processes_that_were_replaced_are_counted(boss):
    cluster()

    assert cell(listed(boss), "replaced") == "4 (recycled: 2, worker died: 1, monitor died: 1)"


def test_a_cluster_of_an_older_version_that_tells_less_is_shown_all_the_same(boss):
    id = cluster({"state": "idle", "replaced": 3, "workers": [{"pid": 1, "running": [], "given": 0}]})

    assert cell(listed(boss), "replaced") == "0"
    assert "idle" in shown(boss, id)


def test_what_is_ready_in_its_queues_is_counted(boss):
    cluster(queues='["default", "slow"]')
    factories.put(1), factories.put(2, queue="slow"), factories.put(3, queue="elsewhere")

    assert cell(listed(boss), "depth") == "2"


def test_what_is_ready_is_counted_up_to_a_limit(boss, monkeypatch):
    monkeypatch.setattr(backlog, "MOST", 2)
    cluster()
    factories.put_many([(1,), (2,), (3,)])

    assert cell(listed(boss), "depth") == "2+"


def test_the_last_heartbeat_is_a_lease_before_its_end(boss):
    id = cluster(lease=60.0)
    row = Incarnation.objects.get(pk=id)

    heard = re.search(r"field-heard_at.*?(\d\d:\d\d:\d\d)", shown(boss, id), re.DOTALL)[1]

    assert heard == f"{row.started_at:%H:%M:%S}"


def test_a_cluster_past_its_lease_is_marked(boss):
    factories.register(lease=-5)

    assert "possibly dead" in listed(boss)


def test_the_list_needs_as_many_queries_for_many_clusters_as_for_one(boss, django_assert_num_queries):
    for number in range(5):
        cluster(host=f"host{number}", queues=json.dumps([f"queue{number}"]))

    # Session, user, count, page, what is ready.
    with django_assert_num_queries(5):
        assert "host4" in listed(boss)


# --- stopping --------------------------------------------------------------------------------------------------------


def test_stopping_asks_first(boss):
    id = cluster(host="here")

    asked = stop(boss, id, confirmed=False).content.decode()

    assert "Are you sure?" in asked and "web on here (4711)" in asked
    assert Incarnation.objects.get(pk=id).stop_requested_at is None
    assert not LogEntry.objects.exists()


def test_a_cluster_that_is_stopped_is_asked_to_end_and_the_act_is_logged(boss):
    id, other = cluster(), cluster()

    answer = stop(boss, id).content.decode()

    assert Incarnation.objects.get(pk=id).stop_requested_at is not None
    assert Incarnation.objects.get(pk=other).stop_requested_at is None
    assert "Asked to stop: 1." in answer and "asked to stop</span>" in answer
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.action_flag, str(entry.change_message)) == (id, CHANGE, "Asked to stop.")


def test_a_cluster_that_has_ended_or_was_asked_before_is_left_as_it_is(boss):
    dead, asked = cluster(), cluster()
    Incarnation.objects.bury(dead, expired_only=False)
    stop(boss, asked)
    before = Incarnation.objects.get(pk=asked).stop_requested_at

    answer = stop(boss, dead, asked).content.decode()

    assert "it has ended." in answer and "it was asked before." in answer
    assert Incarnation.objects.get(pk=dead).stop_requested_at is None
    assert Incarnation.objects.get(pk=asked).stop_requested_at == before
    assert LogEntry.objects.count() == 1


def test_who_may_only_look_stops_nothing(reader):
    id = cluster()

    assert 'name="action"' not in listed(reader)
    stop(reader, id)

    assert Incarnation.objects.get(pk=id).stop_requested_at is None


def test_the_right_to_control_clusters_is_enough_to_stop_one(reader):
    user = User.objects.get(username="reader")
    user.user_permissions.add(Permission.objects.get(codename="control_cluster"))
    id = cluster()

    assert "stop_selected" in listed(reader)
    stop(reader, id)

    assert Incarnation.objects.get(pk=id).stop_requested_at is not None


def test_a_cluster_can_be_stopped_on_its_own_page_by_who_may(boss):
    id, ended = cluster(), cluster()
    Incarnation.objects.bury(ended, expired_only=False)
    assert 'name="action" value="stop_selected"' in shown(boss, id)
    assert 'value="stop_selected"' not in shown(boss, ended)

    answer = boss.post(
        reverse("admin:django_q_incarnation_changelist"),
        {"action": "stop_selected", "_selected_action": [id], "origin": "one", "post": "yes"},
    )

    assert answer.url == reverse("admin:django_q_incarnation_change", args=[id])
    assert Incarnation.objects.get(pk=id).stop_requested_at is not None
    assert 'value="stop_selected"' not in shown(boss, id)


def test_who_may_only_look_has_no_button_to_stop_a_cluster(reader):
    assert "stop_selected" not in shown(reader, cluster())
