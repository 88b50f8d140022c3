"""Put calls that waited elsewhere into the queue, with the attempts that they had there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django_q.brokers import current_broker
from django_q.brokers.base import DUE
from django_q.conf import Settings
from django_q.engine.failures import clean
from django_q.kernel import ids
from django_q.kernel.states import Reason, TaskState
from django_q.models import OrmQ
from django_q.models.schedule import aware
from django_q.tasks import options
from django_q.tasks.enqueue import Draft, announce, draft, tell_keepers

_ERROR_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """The rows of one call, the steps that follow it included, and what the first has behind it."""

    drafts: Sequence[Draft]
    attempts: int = 0
    errors: str = ""  # as queue rows remember them


def put(calls: Sequence[Waiting], alias: str) -> None:
    """Write the queue rows of calls, and wake who waits for such when they are committed."""
    drafts = [each for call in calls for each in call.drafts]
    if not drafts:
        return
    broker = current_broker()
    broker.enqueue([each.row for each in drafts])
    for call in calls:
        if call.attempts:
            rows = OrmQ.objects.using(alias).filter(pk=call.drafts[0].id)
            rows.update(attempts=call.attempts, errors=call.errors)
    if any(each.column("state") == TaskState.DEFERRED.value for each in drafts):
        tell_keepers(broker, DUE, alias)
    for queue in {each.column("queue") for each in drafts}:
        announce(broker, queue, alias)


def draft_at(
    moment: datetime,
    path: str,
    arguments: tuple[tuple[Any, ...], dict[str, Any]],
    given: dict[str, Any],
    settings: Settings,
    marks: dict[str, Any],
) -> Draft:
    """Return the row of a call that stands in line as if it had been enqueued at a moment.

    Arguments that do not fit the function pass: they failed there, too, and fail here on record. Raises
    :exc:`~django_q.exceptions.ClusterError` for what cannot be enqueued.
    """
    return draft(id_at(moment), path, *arguments, options.parse(given), settings, marks, is_call=False)


def id_at(moment: datetime) -> str:
    """Return a new id that sorts among those made at a moment."""
    return ids.new_id(aware(moment).timestamp())


def remembered(error: str, began: datetime, ended: datetime, worker: str = "") -> str:
    """Return the error of an attempt as rows remember errors."""
    began, ended = aware(began), aware(ended)
    entry = {"at": ended.isoformat(), "reason": Reason.ERROR.value, "error": clean(error)[:_ERROR_LENGTH]}
    return json.dumps([entry | {"worker": worker, "started": began.timestamp(), "stopped": ended.timestamp()}])
