"""What the processes of a cluster write down of the signals they get."""

import os

from django.apps import AppConfig


def note(name, *words):
    with open(os.path.join(os.environ["ACCEPTANCE_FOLDER"], name), "a") as file:
        file.write(" ".join(map(str, words)) + "\n")


def on_pre_execute(sender, func, task, **kwargs):
    note("pre_execute", sender, func.__name__, task["func"], task["id"])


def on_post_execute(sender, task, **kwargs):
    note("post_execute", sender, task["func"], task["id"], task["success"], str(task["result"]).splitlines()[0])


def on_post_execute_in_worker(sender, func, task, **kwargs):
    note(
        "post_execute_in_worker",
        sender,
        func.__name__,
        task["id"],
        task["success"],
        str(task["result"]).splitlines()[0],
    )


def on_post_spawn(sender, proc_name, **kwargs):
    note("post_spawn", sender, bool(proc_name))


class AcceptanceConfig(AppConfig):
    name = "acceptance_app"

    def ready(self):
        if os.environ.get("Q_CLUSTER_NAME") != "observed":
            return
        from django_q import signals

        signals.pre_execute.connect(on_pre_execute)
        signals.post_execute.connect(on_post_execute)
        signals.post_spawn.connect(on_post_spawn)
        signals.post_execute_in_worker.connect(on_post_execute_in_worker)
