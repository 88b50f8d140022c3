"""Functions and hooks of the tests, known to both packages by the same path."""

import os
import time

from django_q.brokers.orm import ORM


def note(name, *words):
    with open(os.path.join(os.environ["ACCEPTANCE_FOLDER"], name), "a") as file:
        file.write(" ".join(map(str, words)) + "\n")


def echo(*args, **kwargs):
    return args, kwargs


def first(value):
    return value


def double(number):
    return 2 * number


def process(seconds=0.0):
    time.sleep(seconds)
    return os.getpid()


def fail(text="it does not work"):
    raise ValueError(text)


def fail_and_note(name):
    note(name, "ran")
    raise ValueError("again and again")


def mark(name, word):
    note(name, word)
    return word


def moment(due=None):
    return due


def hook(task):
    note("hooked", task.id, task.success, task.result if task.success else "failed")


def broken_hook(task):
    note("broken", task.id)
    raise ValueError("the hook does not work")


class Box:
    def open(self):
        return "opened"


class OwnBroker(ORM):
    """The database, with a line for each call."""

    def enqueue(self, task):
        note("enqueued", self.list_key)
        return super().enqueue(task)

    def dequeue(self):
        found = super().dequeue()
        if found:
            note("dequeued", len(found))
        return found
