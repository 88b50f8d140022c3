"""The states of a queue row and the events that change them."""

from enum import Enum, IntEnum


class TaskKind(IntEnum):
    """What a queue row runs."""

    TASK = 0  # A call that a user enqueued; leaves a row in the history.
    HOOK = 1  # A call that follows a finished task; leaves no row of its own.
    GATHER = 2  # Collects what the items of an iteration returned; leaves the one row that stands for all of them.


class TaskState(IntEnum):
    """Where a queue row stands. A row leaves the queue when its task ends, so there is no final state."""

    DEFERRED = 1  # Due later: ``run_after`` lies ahead.
    WAITING = 2  # A later step of a chain, or a gather: what it follows has not ended yet.
    READY = 3  # May be claimed now.
    CLAIMED = 4  # Leased to a cluster, which may be running it.


class Event(Enum):
    """What can happen to a queue row."""

    PROMOTE = "promote"  # run_after has come
    UNBLOCK = "unblock"  # what it follows has ended
    CLAIM = "claim"  # a pusher took it
    RELEASE = "release"  # given back unrun, or interrupted by a shutdown
    RETRY = "retry"  # an attempt failed and another is left
    POSTPONE = "postpone"  # no worker here knows the function
    RESCUE = "rescue"  # its worker or its cluster died
    FINISH = "finish"  # it ended; the row moves to the history
    CANCEL = "cancel"  # taken back before a cluster claimed it
    RESCHEDULE = "reschedule"  # another moment was chosen before a cluster claimed it


# Event -> (states it may start from, state it leads to; None: the row leaves the queue).
TRANSITIONS: dict[Event, tuple[frozenset[TaskState], TaskState | None]] = {
    Event.PROMOTE: (frozenset({TaskState.DEFERRED}), TaskState.READY),
    Event.UNBLOCK: (frozenset({TaskState.WAITING}), TaskState.READY),
    Event.CLAIM: (frozenset({TaskState.READY}), TaskState.CLAIMED),
    Event.RELEASE: (frozenset({TaskState.CLAIMED}), TaskState.READY),
    Event.RETRY: (frozenset({TaskState.CLAIMED}), TaskState.DEFERRED),
    Event.POSTPONE: (frozenset({TaskState.CLAIMED}), TaskState.DEFERRED),
    Event.RESCUE: (frozenset({TaskState.CLAIMED}), TaskState.READY),
    Event.FINISH: (frozenset({TaskState.CLAIMED}), None),
    Event.CANCEL: (frozenset({TaskState.DEFERRED, TaskState.WAITING, TaskState.READY}), None),
    Event.RESCHEDULE: (frozenset({TaskState.DEFERRED, TaskState.READY}), TaskState.DEFERRED),
}


class Ending(IntEnum):
    """How one attempt ended, as the worker or the sentinel saw it."""

    SUCCEEDED = 0
    FAILED = 1  # The function raised, or could not be called.
    TIMED_OUT = 2  # Stopped at its time limit.
    CANCELED = 3  # Stopped because a user asked for it.
    LOST = 4  # Its process died.
    INTERRUPTED = 5  # Stopped by the cluster's own shutdown.
    UNSTARTED = 6  # Never begun; given back.
    UNKNOWN = 7  # The function does not exist in this worker's code.
    GAVE_UP = 8  # The function raised DoNotRetry.
    AGAIN = 9  # The function raised TryAgain.


#: Endings in which the function, or what had to be done for it, went wrong.
ERRORS = (Ending.FAILED, Ending.TIMED_OUT, Ending.GAVE_UP)


class Reason(str, Enum):
    """Why a task in the history did not succeed."""

    ERROR = "error"
    TIMEOUT = "timeout"
    LOST = "lost"
    CANCELED = "canceled"
    STOPPED = "stopped"


REASONS = {
    Ending.FAILED: Reason.ERROR,
    Ending.GAVE_UP: Reason.ERROR,
    Ending.AGAIN: Reason.ERROR,
    Ending.UNKNOWN: Reason.ERROR,
    Ending.TIMED_OUT: Reason.TIMEOUT,
    Ending.CANCELED: Reason.CANCELED,
    Ending.LOST: Reason.LOST,
    Ending.INTERRUPTED: Reason.STOPPED,
}
