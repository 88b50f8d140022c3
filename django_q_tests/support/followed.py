"""User tasks for clusters that tests start; files say how far they are, and let them go on."""

import os
import time
from pathlib import Path

from django_q.contrib.user_tasks.tasks import UserTask
from django_q.tasks import shared_task
from django_q_tests.support.jobs import touch


class Steps(UserTask):
    """A base of tasks with many steps."""

    @staticmethod
    def calculate_total_steps(arguments_dict):
        return 1000


@shared_task(base=UserTask, bind=True)
def brief(self, user_id, number=0):
    self.status.set_state("Being brief")
    return number


@shared_task(base=UserTask)
def collects(results, user_id):
    return results


@shared_task(base=UserTask, bind=True)
def dies_once(self, user_id, file):
    """Kill the worker at the first attempt."""
    self.status.set_state("About to die")
    if not Path(file).exists():
        touch(file, "died")
        os.kill(os.getpid(), 9)


@shared_task(base=UserTask, bind=True)
def dies(self, user_id):
    os.kill(os.getpid(), 9)


@shared_task(base=UserTask, bind=True, timeout=0.5)
def takes_too_long(self, user_id):
    time.sleep(60)


@shared_task(base=UserTask, bind=True, timeout=0.5)
def cannot_be_stopped(self, user_id):
    """Swallow the time-out, so that the process has to be killed."""
    while True:
        try:
            time.sleep(60)
        except BaseException:
            continue


@shared_task(base=Steps, bind=True)
def steps(self, user_id, file):
    touch(file, "started")
    while True:
        self.status.increment_completed_steps()
        time.sleep(0.02)


@shared_task(base=UserTask, bind=True)
def sleeps(self, user_id, file):
    touch(file, "started")
    time.sleep(60)
