"""Tasks remember for whom they were enqueued."""

import json

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpResponse
from django.test import RequestFactory

from django_q.middleware import TaskUserMiddleware
from django_q.models import OrmQ, Task
from django_q.tasks import aasync_task, async_task, requeue
from django_q_tests.integration.tasks.functions import add

pytestmark = pytest.mark.django_db


def enqueueing(request):
    return HttpResponse(async_task(add, 1, 2))


def request_of(user):
    request = RequestFactory().get("/")
    request.user = user
    return request


def user_of(row):
    return json.loads(row.options or "{}").get("user")


def test_a_task_carries_the_user_of_the_request_that_enqueued_it():
    user = User.objects.create_user("ada")

    answer = TaskUserMiddleware(enqueueing)(request_of(user))

    assert user_of(OrmQ.objects.get(pk=answer.content.decode())) == str(user.pk)


def test_outside_of_requests_a_task_carries_nobody():
    user = User.objects.create_user("ada")
    TaskUserMiddleware(enqueueing)(request_of(user))

    assert OrmQ.objects.get(pk=async_task(add, 1, 2)).options == ""


def test_the_task_of_somebody_who_is_not_logged_in_carries_nobody():
    answer = TaskUserMiddleware(enqueueing)(request_of(AnonymousUser()))

    assert OrmQ.objects.get(pk=answer.content.decode()).options == ""


def test_a_request_that_enqueues_nothing_does_not_load_its_user():
    class Unloaded(RequestFactory):
        @property
        def user(self):
            raise AssertionError("the user was loaded")

    assert TaskUserMiddleware(lambda request: HttpResponse("hello"))(Unloaded()).content == b"hello"


def test_the_user_stands_in_the_history_and_goes_with_a_requeued_task():
    user = User.objects.create_user("ada")
    TaskUserMiddleware(lambda request: async_task(add, 1, 2, sync=True))(request_of(user))

    task = Task.objects.get()
    again = OrmQ.objects.get(pk=requeue(task))

    assert user_of(task) == user_of(again) == str(user.pk)


def test_coroutine_views_are_served_too():
    user = User.objects.create_user("ada")

    async def view(request):
        return HttpResponse(await aasync_task(add, 1, 2))

    middleware = TaskUserMiddleware(view)
    answer = async_to_sync(middleware)(request_of(user))

    assert iscoroutinefunction(middleware)
    assert user_of(OrmQ.objects.get(pk=answer.content.decode())) == str(user.pk)
