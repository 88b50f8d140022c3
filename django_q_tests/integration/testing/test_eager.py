import pytest
from django.test import TestCase, override_settings

from django_q import conf
from django_q.models import OrmQ
from django_q.tasks import async_task, result
from django_q.testing import eager_tasks
from django_q_tests.integration.testing import jobs


def test_tasks_run_at_once_in_the_block_and_not_after_it(either_db):
    with eager_tasks():
        assert result(async_task(jobs.add, 1, 2)) == 3
    async_task(jobs.add, 1, 2)

    assert OrmQ.objects.count() == 1


def test_an_error_of_the_task_is_raised(either_db):
    with eager_tasks(), pytest.raises(ValueError, match="no"):
        async_task(jobs.fail)


@override_settings(Q_CLUSTER={"name": "shop", "timeout": 9})
def test_the_other_settings_stay(either_db):
    with eager_tasks():
        assert (conf.current().sync, conf.current().name, conf.current().timeout) == (True, "shop", 9)


@override_settings()
def test_a_project_without_q_cluster_is_served(either_db, settings):
    del settings.Q_CLUSTER
    with eager_tasks():
        assert result(async_task(jobs.add, 1)) == 1


@eager_tasks()
class ATestCase(TestCase):
    def test_a_class_may_be_decorated(self):
        assert result(async_task(jobs.add, 1)) == 1


class AnotherTestCase(TestCase):
    @eager_tasks()
    def test_a_method_may_be_decorated(self):
        assert result(async_task(jobs.add, 1)) == 1

    def test_the_next_is_not(self):
        assert result(async_task(jobs.add, 1)) is None


def test_the_fixture_makes_tasks_run_at_once(either_db, q_eager):
    assert result(async_task(jobs.add, 1, 2)) == 3
