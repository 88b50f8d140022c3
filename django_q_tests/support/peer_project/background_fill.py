"""Fill a database through the real django-background-tasks: ``python background_fill.py FOLDER``.

It migrates, lets the package run some tasks, leaves others waiting, and writes all its rows, by its own models, as
JSON.
"""

import json
import os
import sys
from datetime import datetime, timedelta
from datetime import timezone as zones

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "background_settings")
IN_2030 = datetime(2030, 1, 31, 9, 30, tzinfo=zones.utc)


def main(folder):
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    make_creators()
    run_some(folder)
    enqueue_some(folder)
    from background_task.models import CompletedTask, Task

    sys.stdout.write(json.dumps({"pending": rows_of(Task), "completed": rows_of(CompletedTask)}, default=str))


def make_creators():
    from django.contrib.auth.models import Group, User

    User.objects.create(pk=71, username="jo")
    Group.objects.create(pk=71, name="drivers")


def run_some(folder):
    """Let the package run tasks: a success, one after an error, a failure, and one that waits for its next attempt."""
    from background_task.models import Task
    from background_task.tasks import tasks
    from django.contrib.auth.models import User
    from django.utils import timezone
    from peer_shop.tasks import add, fail, fail_once, give_up, post

    add(1, 2, verbose_name="a sum", creator=User.objects.get(), priority=3)
    post("Graz", copies=2)
    give_up(verbose_name="an order")
    fail("again", repeat=Task.DAILY)
    fail_once(folder)
    add(5, repeat=Task.HOURLY, repeat_until=IN_2030)
    work_off(tasks)
    Task.objects.filter(task_name="peer_shop.tasks.fail_once").update(run_at=timezone.now())
    work_off(tasks)


def work_off(tasks):
    while tasks.run_next_task():
        pass


def enqueue_some(folder):
    from background_task.models import Task
    from background_task.tasks import tasks
    from django.contrib.auth.models import Group, User
    from django.utils import timezone
    from peer_shop.tasks import add, note, post

    now, jo = timezone.now(), User.objects.get()
    # The last one first, so that neither number nor age decides.
    for priority, word in ((-5, "last"), (0, "middle"), (70, "first")):
        note(folder, word, priority=priority, verbose_name=f"the {word} word")
    post("Wien", verbose_name="ein Brief", creator=jo)
    post("Linz", queue="default", creator=Group.objects.get())
    add(3, right=4, schedule=now - timedelta(minutes=90), repeat=Task.HOURLY, creator=jo, verbose_name="hourly")
    add({"ünï": [1.5, None]}, schedule=IN_2030, priority=2)
    add(8, 9, verbose_name="locked")
    Task.objects.get(verbose_name="locked").lock("4711")
    # Functions that those who move in do not have: one that was deleted, one of another site on the same tables.
    tasks.background(name="peer_shop.tasks.ad")(print)("nobody")
    tasks.background(name="shop: gone")(print)("nobody")
    tasks.background(name="other_site.tasks.send")(print)("somebody")


def rows_of(model):
    found = []
    for row in model.objects.order_by("pk"):
        values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
        creator = row.creator and [row.creator._meta.label, row.creator.pk]
        found.append({**values, "params": json.loads(row.task_params), "creator": creator})
    return found


if __name__ == "__main__":
    main(sys.argv[1])
