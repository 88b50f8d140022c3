"""A cluster that really runs, watched and stopped from the admin."""

from django.urls import reverse
from playwright.sync_api import expect

from django_q.models import Incarnation
from django_q_tests.browser.deeds import Mouse, choose, list_of
from django_q_tests.support.clusters import PATIENCE
from django_q_tests.support.eventually import eventually


def test_a_cluster_shows_itself(boss, cluster):
    row = Incarnation.objects.get(pid=cluster.pid)
    eventually(lambda: Incarnation.objects.filter(pk=row.pk, stats__contains='"keeper"').exists(), within=PATIENCE)

    page = boss.open(reverse("admin:django_q_incarnation_change", args=[row.pk]))

    content = page.locator("#content")
    expect(content).to_contain_text(str(cluster.pid))
    for pid in (*cluster.pids("worker"), *cluster.pids("monitor"), *cluster.pids("keeper")):
        expect(content).to_contain_text(str(pid))


def test_a_cluster_is_stopped_by_mouse(boss, cluster):
    row = Incarnation.objects.get(pid=cluster.pid)
    page = boss.open(list_of("incarnation"))

    choose(Mouse(page), "stop_selected", row.pk)
    page.get_by_role("button", name="Yes, stop them").click()

    expect(page.get_by_text("Asked to stop: 1.")).to_be_visible()
    assert cluster.exit_code(PATIENCE) == 0
    page.reload()
    expect(page.get_by_role("row").filter(has_text=str(cluster.pid))).to_contain_text("ended")
