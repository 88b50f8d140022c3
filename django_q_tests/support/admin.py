"""The admin as a browser uses it: pages, actions, and tasks to be seen there."""

from typing import Any

from django.contrib.auth.models import Permission, User
from django.db import connections
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_q import conf
from django_q.brokers.orm import OrmBroker
from django_q.engine.completion import finish
from django_q.kernel import clock
from django_q.kernel.messages import Outcome, Report
from django_q.kernel.states import Ending
from django_q.models import OrmQ, Task
from django_q.tasks import async_task

SCRIPT = "<script>alert(1)</script>"
LISTS = ("success", "failure", "ormq", "incarnation", "schedule")


def page(client: Client, model: str, query: str = "", **kwargs: Any) -> Any:
    """Open a list."""
    return client.get(reverse(f"admin:django_q_{model}_changelist") + query, **kwargs)


def detail(client: Client, model: str, pk: str) -> Any:
    """Open the page of a row."""
    return client.get(reverse(f"admin:django_q_{model}_change", args=[pk]))


def act(client: Client, model: str, action: str, pks: Any, *, confirmed: bool = True, **more: Any) -> Any:
    """Post an action, with its confirmation unless told otherwise."""
    data = {"action": action, "_selected_action": pks, **({"post": "yes"} if confirmed else {}), **more}
    return client.post(reverse(f"admin:django_q_{model}_changelist"), data, follow=confirmed)


def text_of(response: HttpResponseBase) -> str:
    """Return a page's text."""
    return response.content.decode()  # type: ignore[attr-defined]


def statements(client: Client, url: str) -> list[str]:
    """Return what a page asks the cluster's database for."""
    with CaptureQueriesContext(connections[conf.current().orm]) as captured:
        response = client.get(url)
    assert response.status_code == 200, response.status_code
    return [query["sql"] for query in captured]


def grant(name: str, *codenames: str) -> User:
    """Give a user rights of ours."""
    user = User.objects.get(username=name)
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="django_q", codename__in=codenames))
    return user


# Tasks ---------------------------------------------------------------------------------------------------------------


def succeed(*args: Any, func: str = "operator.add", **options: Any) -> str:
    """Run a task to its good end."""
    return async_task(func, *args, sync=True, **options)


def fail(func: str = "django_q_tests.support.jobs.fail", *args: Any, **options: Any) -> str:
    """Run a task to its bad end."""
    try:
        async_task(func, *args, sync=True, **options)
    except Exception:  # noqa: BLE001 - it was asked to
        pass
    return Task.objects.using(conf.current().orm).filter(success=False).latest("stopped").pk


def claim(incarnation: str, limit: int = 1) -> Any:
    """Let a cluster claim what is ready."""
    return OrmBroker().claim(limit, queues=["default"], incarnation=incarnation, generation=1)


def end(claimed: Any, ending: Ending, *, error: str = "", worker: str = "web-1:4712", ran: float = 2.5) -> None:
    """Record how an attempt ended, as its worker would report it."""
    moment = clock.epoch()
    report = Report(moment - ran, moment, error=error, worker=worker)
    envelope = claimed.envelope
    finish([Outcome(envelope.id, envelope.token, ending, report)], cluster="default")


def ended_in_turn(incarnation: str, id: str, *endings: Ending, error: str = "no luck") -> None:
    """Let a queued task have one attempt after another."""
    for ending in endings:
        OrmQ.objects.filter(pk=id).promote()
        (claimed,) = claim(incarnation)
        end(claimed, ending, error=error)
