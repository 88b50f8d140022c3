"""A program that brings its own cluster: run as ``python -m``, it prints what it saw as one JSON object."""

import json
import os
import signal
import sys

import django

django.setup()

from django.db import transaction  # noqa: E402

from django_q.cluster import Cluster  # noqa: E402
from django_q.exceptions import TransactionError  # noqa: E402
from django_q.models import Incarnation  # noqa: E402
from django_q.status import Stat  # noqa: E402
from django_q.tasks import async_task, result  # noqa: E402


def main() -> None:
    seen = {"before": Incarnation.objects.count()}  # the connection is open when the child is forked
    cluster = Cluster()
    seen["unstarted"] = [cluster.pid, cluster.is_running, cluster.has_stopped, cluster.stop()]
    seen["in_transaction"] = refusal(cluster)
    pid = cluster.start()
    stat = cluster.stat
    seen["started"] = [cluster.is_running, cluster.has_stopped, cluster.is_stopping, pid == cluster.pid == stat.pid]
    seen["again"] = cluster.start() == pid
    seen["stat"] = stat.status
    seen["known"] = Stat.get(pid, cluster.cluster_id).cluster_id == cluster.cluster_id != ""
    seen["named"] = [cluster.name, cluster.host == stat.host]
    seen["result"] = result(async_task("math.copysign", 2, -2), wait=20_000)
    seen["stopped"] = [cluster.stop(), cluster.stop(), cluster.is_running, cluster.has_stopped, cluster.stat.status]
    seen["alive"] = Incarnation.objects.filter(dead_at=None).count()
    cluster.start()
    os.kill(cluster.pid or 0, signal.SIGTERM)
    seen["restarted"] = cluster.stop() or cluster.has_stopped
    sys.stdout.write(json.dumps(seen))


def refusal(cluster: Cluster) -> str:
    try:
        with transaction.atomic():
            cluster.start()
    except TransactionError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main()
