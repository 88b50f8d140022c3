"""A queue that is not in the default database."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from django_q.models import OrmQ, Task
from django_q.tasks import async_task
from django_q_tests.support import factories
from django_q_tests.support.admin import act, detail, fail, page, succeed

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_all_of_it_works_when_the_queue_is_in_another_database(elsewhere, boss):
    good, bad, queued = succeed(1, 2), fail(), async_task("operator.add", 1, 2)
    cluster = factories.register()

    for model, pk in (("success", good), ("failure", bad), ("ormq", queued), ("incarnation", cluster)):
        assert page(boss, model).status_code == 200
        assert detail(boss, model, pk).status_code == 200
    act(boss, "failure", "requeue_selected", [bad])
    act(boss, "ormq", "cancel_selected", [queued])
    boss.post(reverse("admin:django_q_success_delete", args=[good]), {"post": "yes"})

    assert OrmQ.objects.using(elsewhere).get().requeued_from == bad
    assert set(Task.objects.using(elsewhere).values_list("pk", flat=True)) == {bad, queued}
    assert not Task.objects.using("default").exists()
    assert LogEntry.objects.using("default").count() == 3
