"""What was seen of the database at one moment, as far as one tab shows it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from django_q.tasks import TaskProgress
from django_q.tasks.activity import LastHour
from django_q.tasks.backlog import Depth, Totals
from django_q.tasks.clusters import ClusterView
from django_q.tasks.overview import LastDay


class Tab(str, Enum):
    """A page of the screen."""

    CLUSTERS = "clusters"
    RUNNING = "running"
    QUEUE = "queue"
    SCHEDULES = "schedules"
    FAILURES = "failures"
    THROUGHPUT = "throughput"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class RunningView:
    """A task that runs."""

    id: str
    name: str  # empty of one that has just begun
    func: str
    queue: str
    seconds: float | None  # None: it has just begun
    timeout: float | None
    cluster: str
    worker: int | None
    is_stopping: bool
    progress: TaskProgress | None = None


@dataclass(frozen=True, slots=True)
class QueuedView:
    """A row of the queue that nobody has claimed."""

    id: str
    name: str
    func: str
    queue: str
    state: str
    is_hook: bool
    priority: int
    enqueued_at: datetime
    run_after: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule."""

    id: int
    name: str
    func: str
    rule: str
    condition: str
    next_run: datetime | None
    last: str
    missed: int
    error: str
    queue: str

    @property
    def is_paused(self) -> bool:
        """Was it paused?"""
        return self.condition == "paused"


@dataclass(frozen=True, slots=True)
class FailureView:
    """A task that did not succeed."""

    id: str
    name: str
    func: str
    queue: str
    stopped: datetime
    reason: str
    error: str
    attempts: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Seen:
    """All of it; what the tab does not show is empty."""

    tab: Tab
    at: datetime
    database: str
    totals: Totals
    living: tuple[ClusterView, ...]
    ended: tuple[ClusterView, ...] = ()
    running: tuple[RunningView, ...] = ()
    depths: tuple[Depth, ...] = ()
    queued: tuple[QueuedView, ...] = ()
    schedules: tuple[ScheduleView, ...] = ()
    failures: tuple[FailureView, ...] = ()
    last_hour: LastHour | None = None
    last_day: LastDay | None = field(default=None)
