"""Fill a database through the real package, under its own interpreter: ``python peer_fill.py FOLDER``.

It migrates, runs some tasks in the package's real cluster, leaves others queued for the folder's files, makes schedules
and writes the ids of all as JSON.
"""

import json
import os
import sys
import time
from datetime import datetime, timedelta
from datetime import timezone as zones

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "peer_settings")


def main(folder):
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    ran = run_some()
    work_off()
    queued = queue_some(folder)
    sys.stdout.write(json.dumps({"ran": ran, "queued": queued, "schedules": schedule_some(), "version": version()}))


def run_some():
    import peer_jobs

    from django_q.tasks import async_task

    return {
        "add": async_task(peer_jobs.add, 1, 2, task_name="addition", group="sums", hook="peer_jobs.add"),
        "weigh": async_task("peer_jobs.weigh", peer_jobs.Parcel(7), day=peer_jobs.DAY),
        "fail": async_task("peer_jobs.fail", "broken", group="sums"),
        "retried": async_task("peer_jobs.fail", "again", ack_failure=False),
    }


def work_off():
    """Let the package's own cluster run what is queued, and end it."""
    from django.db import connection

    from django_q.cluster import Cluster
    from django_q.models import OrmQ, Task

    expected = OrmQ.objects.count()
    connection.close()
    cluster = Cluster()
    cluster.start()
    deadline = time.monotonic() + 40
    while Task.objects.count() < expected and time.monotonic() < deadline:
        cluster.sentinel.join(0.1)
    cluster.stop()
    assert Task.objects.count() == expected, list(Task.objects.values())


def queue_some(folder):
    import peer_jobs

    from django_q.tasks import async_chain, async_iter, async_task

    return {
        "path": async_task("peer_jobs.add", 3, 4, q_options={"group": "later", "timeout": 9}),
        "object": async_task(peer_jobs.weigh, peer_jobs.Parcel(5), day=peer_jobs.DAY),
        "fails": async_task("peer_jobs.fail", "after the move", ack_failure=True),
        "unsaved": async_task("peer_jobs.stand", folder, "unsaved", save=False),
        "builtin": async_task("len", "four"),
        "chain": async_chain(
            [
                ("peer_jobs.stand", (folder, "first")),
                ("peer_jobs.fail", ("second",)),
                ("peer_jobs.add", (1,), {"right": 1}),
            ]
        ),
        "iteration": async_iter("peer_jobs.add", [(1, 1), (2, 2), (3, 3)]),
    }


def schedule_some():
    from django.utils import timezone

    from django_q.models import Schedule
    from django_q.tasks import schedule

    tomorrow = datetime(2030, 1, 31, 9, 30, tzinfo=zones.utc)
    if not django.conf.settings.USE_TZ:
        tomorrow = tomorrow.replace(tzinfo=None)
    made = {
        "daily": schedule("peer_jobs.add", 1, 2, name="daily", schedule_type="D", next_run=tomorrow),
        "monthly": schedule(
            "peer_jobs.weigh",
            [1, "two"],
            day="x",
            schedule_type="M",
            next_run=tomorrow,
            repeats=3,
            q_options={"timeout": 5},
        ),
        "cron": schedule("peer_jobs.add", 1, 2, name="cron", schedule_type="C", cron="0 9 * * 1-5", next_run=tomorrow),
        "soon": schedule("peer_jobs.add", 1, 2, name="soon", next_run=timezone.now() + timedelta(seconds=4)),
        "once": schedule("peer_jobs.add", 20, 22, name="once", next_run=tomorrow.replace(year=2020)),
    }
    twin = Schedule.objects.create(func="peer_jobs.add", name="daily", args="1, 2", schedule_type="D", repeats=0)
    bad = Schedule.objects.create(
        func="peer_jobs.add", name="bad", args="now(), 2", schedule_type="H", next_run=tomorrow
    )
    made |= {"twin": twin, "bad": bad}
    return {name: Schedule.objects.get(pk=each.pk).next_run.isoformat() for name, each in made.items()}


def version():
    from importlib import metadata

    names = {each.metadata["Name"].lower(): each.version for each in metadata.distributions()}
    return next(f"{name} {names[name]}" for name in ("django-q2", "django-q") if name in names)


if __name__ == "__main__":
    main(sys.argv[1])
