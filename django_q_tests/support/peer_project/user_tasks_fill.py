"""Fill a database through the real django-user-tasks: ``python user_tasks_fill.py FOLDER``.

It migrates, lets a Celery worker run some tasks, leaves others as they are found when workers stop or die, and writes
all its rows, by its own models, as JSON.
"""

import json
import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "user_tasks_settings")

ENDED = ("Succeeded", "Failed", "Canceled")


def main(folder):
    os.environ["PEER_MEDIA"] = os.path.join(folder, "media")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    make_users()
    run_some()
    leave_some()
    from user_tasks.models import UserTaskArtifact, UserTaskStatus

    found = {"tasks": rows_of(UserTaskStatus), "artifacts": rows_of(UserTaskArtifact)}
    sys.stdout.write("\n" + json.dumps(found, default=str))


def make_users():
    from django.contrib.auth.models import Group, Permission, User

    User.objects.create(pk=71, username="ann")
    bob = User.objects.create(pk=72, username="bob")
    rights = Permission.objects.filter(content_type__app_label="user_tasks")
    Group.objects.create(name="support").permissions.set(rights)
    bob.user_permissions.set(rights.filter(codename="view_usertaskstatus"))


def run_some():
    """Let a worker run tasks to every end there is."""
    from celery import chain, chord, group
    from celery.contrib.testing.worker import start_worker
    from peer_courses import app, count, export, fail, fail_once, fail_politely, gather, mail
    from user_tasks.models import UserTaskStatus

    export.delay(71, "Physics")
    export.apply_async((72, "N" * 245), task_id=f"own-{'x' * 124}")
    fail.delay(72)
    fail_once.delay(71)
    fail_politely.delay(71)
    chain(export.si(71, "Latin", user_task_name="Two exports"), mail.si(), export.si(71, "Greek")).apply_async()
    group(count.s(71, user_task_name="Counts"), count.s(71), fail.s(71)).apply_async()
    chord([count.s(72, user_task_name="A chord"), count.s(72)], gather.s(user_id=72)).apply_async()
    canceled = count.delay(72)
    UserTaskStatus.objects.get(task_id=canceled.id).cancel()
    with start_worker(app, perform_ping_check=False, pool="solo", loglevel="ERROR"):
        deadline = time.monotonic() + 30
        while UserTaskStatus.objects.filter(is_container=False).exclude(state__in=ENDED).exists():
            assert time.monotonic() < deadline, list(UserTaskStatus.objects.values_list("name", "state"))
            time.sleep(0.05)


def leave_some():
    """Leave tasks as a stop of all workers leaves them; the states are those that the package writes."""
    from celery import group
    from peer_courses import count, export
    from user_tasks.models import UserTaskStatus

    count.delay(71)  # waits in the broker
    running, waiting = (UserTaskStatus.objects.get(task_id=export.delay(72, name).id) for name in ("Art", "Law"))
    running.start()
    running.set_state("Exporting ü")
    running.increment_completed_steps(2)
    waiting.start()
    waiting.retry()
    # Its last two ended at once, and neither saw that of the other: a known fault.
    stuck = group(count.s(71, user_task_name="Stuck"), count.s(71)).apply_async()
    UserTaskStatus.objects.filter(parent__task_id=stuck.id).update(state="Succeeded", completed_steps=1)
    half = group(count.s(71, user_task_name="Half"), count.s(71)).apply_async()
    UserTaskStatus.objects.filter(parent__task_id=half.id).first().succeed()


def rows_of(model):
    found = []
    for row in model.objects.order_by("pk"):
        found.append({field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields})
    return found


if __name__ == "__main__":
    main(sys.argv[1])
