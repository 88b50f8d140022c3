"""What a task of a worker takes for granted: that its transactions commit, and that its errors are its own."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db import Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TestCase

from django_q.engine.timeouts import AsyncGuard, Guard
from django_q.exceptions import TransactionError


class CommittingGuard(Guard):
    """Run a function, and then what it left to be done after a commit, though the test's transaction never commits."""

    def call(self, timeout: float | None, function: Callable[..., Any], *args: Any) -> Any:
        with _Commits():
            value = super().call(timeout, function, *args)
            _require_usable()
            return value


class CommittingAsyncGuard(AsyncGuard):
    """Do the same for a coroutine; its callbacks run where its other code of the database runs."""

    async def call(self, timeout: float | None, function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        commits = _Commits()
        await sync_to_async(commits.__enter__)()
        try:
            value = await super().call(timeout, function, *args)
            await sync_to_async(_require_usable)()
            return value
        finally:
            await sync_to_async(commits.__exit__)()


class _Commits:
    """Runs what on_commit() was given within it, and forgets it, on connections with a transaction open."""

    def __enter__(self) -> None:
        self._stack = ExitStack()
        for connection in open_here():
            self._stack.callback(_forget, connection, len(connection.run_on_commit))
            self._stack.enter_context(TestCase.captureOnCommitCallbacks(using=connection.alias, execute=True))

    def __exit__(self, *error: object) -> None:
        self._stack.close()


def _require_usable() -> None:
    """Let a task fail that has swallowed an error of PostgreSQL, which refuses everything in the transaction since."""
    for connection in open_here():
        if connection.vendor != "postgresql" or connection.needs_rollback:
            continue
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error as error:
            raise TransactionError(
                "The task caught an error of the database outside of any transaction.atomic(). In a worker it would go "
                "on; here it has broken the transaction of the test. Use TransactionTestCase for this task."
            ) from error


def _forget(connection: BaseDatabaseWrapper, count: int) -> None:
    del connection.run_on_commit[count:]


@dataclass(slots=True)
class Seen:
    """What came of the work in a block."""

    error: BaseException | None = None


@contextmanager
def usable_afterwards() -> Iterator[Seen]:
    """Leave open transactions usable if the block reports an error of the database: undo what it did in them."""
    seen, aliases = Seen(), [connection.alias for connection in open_here()]
    with ExitStack() as savepoints:
        for alias in aliases:
            savepoints.enter_context(transaction.atomic(using=alias))
        yield seen
        if _is_of_database(seen.error):
            for alias in aliases:
                transaction.set_rollback(True, using=alias)


def open_here() -> list[BaseDatabaseWrapper]:
    """Return the connections of this thread on which a transaction is open."""
    return [each for each in connections.all(initialized_only=True) if each.in_atomic_block]


def _is_of_database(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, Error):
        error = error.__cause__ or error.__context__
    return error is not None
