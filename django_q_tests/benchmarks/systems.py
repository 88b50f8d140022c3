"""The other packages that are measured beside ours, and the settings that are fair to each of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# What makes it fast: rows fetched in bulk, no query for each success that counts all others, a short poll, no
# replacement of workers during the run.
_TUNED = {
    "name": "benchmark",
    "orm": "default",
    "bulk": 50,
    "queue_limit": 100,
    "poll": 0.05,
    "save_limit": 0,
    "recycle": 10_000,
    "timeout": 60,
    "retry": 3600,
    "log_level": "WARNING",
}
_LEAN = [
    "--pool=prefork",
    "--loglevel=WARNING",
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
    "-Ofair",
]


@dataclass(frozen=True, kw_only=True)
class System:
    """One package on one place, as it is measured."""

    name: str  # what --only takes
    title: str
    environment: str  # what .ci/peers calls it
    program: str  # the module in peers/
    place: str  # "postgres", "sqlite-wal", or "file" (it makes a file itself), or "redis"
    beside: str  # the database of ours with which it is compared
    pause: float  # the longest between two samples of the latency: as long as its poll at least
    stored: str = ""  # asks how many tasks have ended, where the package keeps that
    given: Mapping[str, Any] = field(default_factory=dict)  # what its program is told
    remarks: tuple[str, ...] = ()  # what one has to know beside its figures

    @property
    def interpreter(self) -> Path:
        return ROOT / ".lanes" / "peers" / self.environment / "bin" / "python"

    @property
    def is_installed(self) -> bool:
        """Has ``make bench-peers`` made its environment, and made it to the end?"""
        return self.interpreter.exists() and (self.interpreter.parents[1] / "stamp").exists()


def _django_q2(place: str, title: str, *remarks: str) -> System:
    return System(
        name=f"django-q2-{place}",
        title=f"django-q2 on {title}",
        environment="django-q2",
        program="djangoq2",
        place=place,
        beside=place,
        pause=0.1,
        stored="SELECT count(*) FROM django_q_task WHERE success",
        given={"apps": ["django_q"], "q_cluster": _TUNED},
        remarks=("Its connections are kept open (CONN_MAX_AGE None).", *remarks),
    )


SYSTEMS = (
    _django_q2(
        "sqlite-wal",
        "SQLite (WAL), tuned",
        "SQLite syncs less often for it (synchronous NORMAL), and its transactions are IMMEDIATE; ours has neither.",
    ),
    System(
        name="huey",
        title="Huey on SQLite",
        environment="huey",
        program="huey_sqlite",
        place="file",
        beside="sqlite-wal",
        pause=0.1,
        stored="SELECT count(*) FROM kv",
        remarks=(
            "A task leaves the queue before it runs: one that dies with its worker is lost.",
            "Its workers look for tasks less and less often, every ten seconds at last; they never idled so long here.",
        ),
    ),
    _django_q2("postgres", "PostgreSQL, tuned"),
    System(
        name="django-tasks-db",
        title="django-tasks-db on PostgreSQL",
        environment="django-tasks-db",
        program="tasks_db",
        place="postgres",
        beside="postgres",
        pause=0.1,
        stored="SELECT count(*) FROM django_tasks_database_dbtaskresult WHERE status = 'SUCCESSFUL'",
        given={
            "apps": ["django_tasks_db"],
            "tasks": {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}},
            "arguments": ["--interval=0.05", "--verbosity=0"],
        },
        remarks=("Its poll is 1 s unless one says otherwise; here 0.05 s.", "Its connections are kept open."),
    ),
    System(
        name="procrastinate",
        title="Procrastinate on PostgreSQL",
        environment="procrastinate",
        program="procrastinate_pg",
        place="postgres",
        beside="postgres",
        pause=0.1,
        stored="SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'",
        given={"worker_options": {"concurrency": 1}},
        remarks=("It takes keyword arguments only, and keeps no results.",),
    ),
    System(
        name="celery",
        title="Celery on Redis",
        environment="celery",
        program="celery_redis",
        place="redis",
        beside="postgres",
        pause=0.1,
        given={"celery": {"task_ignore_result": True, "worker_prefetch_multiplier": 64}, "arguments": _LEAN},
        remarks=(
            "Its broker is Redis, which keeps nothing on a disk here; it stands beside ours on PostgreSQL.",
            "It keeps no results, and acknowledges a task before it runs: one that dies with its worker is lost.",
        ),
    ),
)  # fmt: skip
NAMES = tuple(system.name for system in SYSTEMS)


def installed() -> tuple[System, ...]:
    """Return those whose environments are there."""
    return tuple(system for system in SYSTEMS if system.is_installed)
