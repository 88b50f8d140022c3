"""Tasks that publish, in the ways in which one writes them."""

import threading

from django_q.contrib.background import background
from django_q.contrib.publish import publish
from django_q.contrib.user_tasks.tasks import UserTask
from django_q.tasks import shared_task


@publish("demo")
def shows(cproxy=None, **kwargs):
    """Send what it was given."""
    for value in kwargs.get("values", ["one", "two"]):
        cproxy.send_event(value)
    return kwargs


@publish()
def silent(cproxy):
    return cproxy.id


@publish
def bare(cproxy, first, second=2):
    return first, second


@publish("last")
def at_the_end(first, *, second=2, cproxy=None):
    return first, second, type(cproxy).__name__


@publish("failing")
def fails(cproxy, error=ValueError):
    cproxy.send_event("before")
    raise error("no")


@publish("coroutine")
async def coroutine(cproxy, value):
    cproxy.send_event(value)
    return value


@publish("coroutine")
async def failing_coroutine(cproxy):
    raise ValueError("no")


@publish("threads")
def from_threads(cproxy, count):
    def send(number):
        for value in range(count):
            cproxy.send_event([number, value])

    threads = [threading.Thread(target=send, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@publish("outer")
def nested(cproxy, inner_id):
    cproxy.send_event("outer")
    return shows(task_publish_id=inner_id)


@background
@publish("behind")
def in_the_background(cproxy, value):
    cproxy.send_event(value)
    return value


@shared_task(base=UserTask, bind=True)
@publish("course")
def of_a_user(self, cproxy, user_id):
    cproxy.send_event(self.status.name)
