"""What the upper-case keys do, by the same functions as code and the admin use; each says how it ended."""

from django.db import Error

from django_q import conf
from django_q.exceptions import ClusterError
from django_q.management.monitor.state import Action, Status, Verb
from django_q.management.monitor.text import Style
from django_q.models import Schedule
from django_q.tasks import control, schedules
from django_q.tasks.clusters import stop_clusters


def perform(action: Action) -> Status:
    """Do what was confirmed and say how it ended."""
    try:
        return _DEEDS[action.verb](action)
    except (ClusterError, Error) as error:
        return Status(f"{action.label}: {' '.join(str(error).split())}", Style.BAD)


def _cancel(action: Action) -> Status:
    if control.cancel(action.key):
        return Status(f"Canceled {action.label}; what runs is asked to stop.")
    return Status(f"{action.label} has ended meanwhile.", Style.WARN)


def _requeue(action: Action) -> Status:
    return Status(f"Enqueued {action.label} again as {control.requeue(action.key)}.")


def _pause(action: Action) -> Status:
    """Pause a schedule, or resume one that is paused."""
    row = Schedule.objects.using(conf.current().orm).filter(pk=int(action.key))
    if row.pause():
        return Status(f"Paused {action.label}.")
    resumed = row.resume()
    schedules.tell_clusters()
    return Status(f"Resumed {action.label}.") if resumed else Status(f"{action.label} was deleted.", Style.WARN)


def _stop(action: Action) -> Status:
    if stop_clusters([action.key]):
        return Status(f"Asked {action.label} to end; it begins to drain within two seconds.")
    return Status(f"{action.label} has ended, or was asked before.", Style.WARN)


_DEEDS = {Verb.CANCEL: _cancel, Verb.REQUEUE: _requeue, Verb.PAUSE: _pause, Verb.STOP: _stop}
