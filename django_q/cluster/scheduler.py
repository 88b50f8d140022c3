"""Fires schedules when they are due."""

import math

from django_q import conf
from django_q.models import Schedule
from django_q.tasks.firing import fire_due


class Scheduler:
    """The part of a keeper that enqueues what schedules say."""

    def __init__(self) -> None:
        self._schedules = Schedule.objects.using(conf.current().orm)

    def fire(self) -> float:
        """Enqueue what is due, a batch at a time; return in how many seconds to look again, infinity for never."""
        seconds = self._schedules.next_due()
        if seconds is None:
            return math.inf
        if seconds > 0:
            return seconds
        fire_due()
        return 0.0
