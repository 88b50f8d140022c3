"""The middleware that lets tasks remember for whom they were enqueued."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from django_q.tasks.initiator import enqueued_for

Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class TaskUserMiddleware:
    """Write the key of the logged-in user into every task that a request enqueues; the admin shows and links it.

    Stands in MIDDLEWARE after ``django.contrib.auth.middleware.AuthenticationMiddleware``. A request that enqueues
    nothing costs nothing: the user is not loaded.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Answer:
        if self._is_async:
            return self._acall(request)
        with enqueued_for(partial(_user_of, request)):
            return self.get_response(request)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        with enqueued_for(partial(_user_of, request)):
            return await cast(Awaitable[HttpResponseBase], self.get_response(request))


def _user_of(request: HttpRequest) -> Any:
    return getattr(request, "user", None)
