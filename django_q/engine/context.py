"""Which task is running here."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from django_q.engine.progress import Meter, checked


def never() -> bool:
    """Say no: nobody can ask this task to stop."""
    return False


@dataclass(frozen=True, slots=True)
class RunningTask:
    """What a task may know of itself while it runs."""

    id: str
    name: str
    func: str
    group: str | None
    queue: str
    attempt: int  # 1 for the first
    asked: Callable[[], object] = field(default=never, repr=False, compare=False)
    meter: Meter | None = field(default=None, repr=False, compare=False)

    @property
    def retries(self) -> int:
        """How many attempts there were before this one: what Celery calls it."""
        return self.attempt - 1

    @property
    def stop_requested(self) -> bool:
        """Does the cluster want this task to end: time-out, cancel or shutdown? For loops that end by themselves."""
        return bool(self.asked())

    @property
    def told(self) -> tuple[float, float | None, object] | None:
        """What this attempt said last by :meth:`progress`: done, total and message; None if nothing."""
        return None if self.meter is None else self.meter.newest

    def progress(self, done: float, total: float | None = None, message: object = None) -> None:
        """Say how far this task is: so much done of a total, None if that is not known, and what it is doing.

        Cheap enough for every step of a loop: the newest values are written a few times a second, and the last ones
        always. Never waits, and nothing that goes wrong with writing reaches the task. A ``done`` beyond the total
        counts as the total. Raises :exc:`~django_q.exceptions.InvalidValue` for what is no number or a negative one.
        """
        if self.meter is not None:
            self.meter.move(done, total, message)
        else:
            checked(done, total, message)


_running: ContextVar[RunningTask | None] = ContextVar("django_q_running_task", default=None)


def current_task() -> RunningTask | None:
    """Return the task that runs here, None outside of tasks.

    Threads that a task starts see it if they run in a copy of its context (:func:`contextvars.copy_context`,
    :func:`asyncio.to_thread`, :func:`asgiref.sync.sync_to_async`).
    """
    return _running.get()


def enter(task: RunningTask) -> None:
    """Say that the rest of this context runs a task."""
    _running.set(task)
