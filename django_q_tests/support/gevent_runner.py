"""A runner with the task of the text as it stands there, with gevent itself; run as a script.

``python gevent_runner.py plain`` or ``python gevent_runner.py patched``.
"""

import sys

import gevent
from gevent import monkey

if sys.argv[1] == "patched":
    monkey.patch_all()

import django  # noqa: E402

django.setup()

from django_q.contrib.class_tasks import Runner, Task  # noqa: E402


class MyTask(Task):
    NAME = "mytask"

    def start(self):
        self.loop = gevent.spawn(self.work)
        self.loop.get()

    def stop(self):
        self.loop.kill()

    def work(self):
        self.emit("working")
        while True:
            gevent.sleep(0.05)


runner = Runner(interval=0.1, grace=2)
runner.add_task(MyTask)
sys.exit(runner.run())
