"""Tasks that publish, for clusters that tests start."""

import os
import time
from pathlib import Path

from django_q.contrib.publish import publish
from django_q_tests.support.jobs import touch


@publish("mortal")
def dies(cproxy, file):
    """Send something, and kill the worker when the test says so: it has seen what was sent."""
    cproxy.send_event("before")
    touch(file, "started")
    attempt = len(Path(file).read_text().splitlines())
    while not os.path.exists(f"{file}.{attempt}"):
        time.sleep(0.02)
    os.kill(os.getpid(), 9)


@publish("mortal")
def cannot_be_stopped(cproxy, file):
    """Swallow whatever asks for an end, so that the process has to be killed."""
    cproxy.send_event("before")
    touch(file, "started")
    while True:
        try:
            time.sleep(60)
        except BaseException:
            continue


@publish("mortal")
def takes_too_long(cproxy, file):
    cproxy.send_event("before")
    touch(file, "started")
    time.sleep(60)


@publish("mortal")
async def coroutine(cproxy, file):
    cproxy.send_event("before")
    touch(file, "started")


@publish("stamped")
def stamped(cproxy, count, rate):
    """Send so many moments, so many of them a second."""
    begun = time.monotonic()
    for number in range(count):
        while (ahead := number / rate - (time.monotonic() - begun)) > 0:
            time.sleep(min(ahead, 0.005))
        cproxy.send_event([number, time.time()])
