"""The packages that people move in from, by name."""

import pytest
from django.core.management import CommandError, call_command

from django_q.contrib.background.moving.move import FromBackgroundTasks
from django_q.contrib.user_tasks.moving.move import FromUserTasks
from django_q.management.moving import sources
from django_q.management.moving.move import FromDjangoQ, FromDjangoQ2


def test_what_comes_with_the_core_and_with_an_application_is_registered():
    assert sources.names() == ["background_task", "django_q", "django_q2", "user_tasks"]
    found = [sources.source(name) for name in sources.names()]
    assert found == [FromBackgroundTasks, FromDjangoQ, FromDjangoQ2, FromUserTasks]


def test_anybody_may_register_a_source_and_the_command_lists_it(monkeypatch):
    monkeypatch.setattr(sources, "_paths", dict(sources._paths))

    sources.register("carrier_pigeons", "django_q.management.moving.move.FromDjangoQ")

    assert sources.source("carrier_pigeons") is FromDjangoQ
    listed = "'doves' is not known; .* There are background_task, carrier_pigeons, django_q, django_q2, user_tasks$"
    with pytest.raises(CommandError, match=listed):
        call_command("qmigrate_from", "doves")


def test_a_name_that_nobody_registered_is_an_error():
    with pytest.raises(KeyError):
        sources.source("celery")


def test_what_comes_with_an_application_is_registered_where_that_is_installed():
    assert set(sources.COME_WITH) <= set(sources.names())
