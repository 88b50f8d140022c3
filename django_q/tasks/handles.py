"""What enqueueing a shared task returns: its id, with what Celery's results can do."""

from typing import Any

from django_q import conf
from django_q.exceptions import TaskFailed
from django_q.kernel.states import Reason, TaskState
from django_q.models import OrmQ, Task
from django_q.tasks import control, results

# Celery's words for where a task stands.
PENDING, STARTED, RETRY, SUCCESS, FAILURE, REVOKED = "PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"


class TaskHandle(str):
    """The id of a task, as text, that can be asked what became of it."""

    __slots__ = ()

    @property
    def id(self) -> str:
        """The id of the task."""
        return str(self)

    @property
    def status(self) -> str:
        """Where the task stands, in Celery's words: PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED.

        One that nobody knows, or whose success left no row, is PENDING.
        """
        # The queue first: a task moves from there to the history.
        row = OrmQ.objects.using(conf.current().orm).filter(pk=self).only("state", "attempts", "running_since").first()
        if row is not None:
            return _of_row(row)
        task = results.fetch(self)
        return PENDING if task is None else _of_task(task)

    state = status

    @property
    def result(self) -> Any:
        """What the task returned, its error as text if it did not succeed, None before its end."""
        return results.result(self)

    def ready(self) -> bool:
        """Has it ended?"""
        return results.fetch(self) is not None

    def successful(self) -> bool:
        """Has it succeeded?"""
        return self.status == SUCCESS

    def failed(self) -> bool:
        """Has it failed?"""
        return self.status == FAILURE

    def get(self, timeout: float | None = None) -> Any:
        """Wait for the end, at most ``timeout`` seconds, and return what the task returned.

        Raises :exc:`TimeoutError` if it has not ended by then, and :exc:`~django_q.exceptions.TaskFailed` with its
        error if it did not succeed.
        """
        task = results.fetch(self, -1 if timeout is None else timeout * 1000)
        if task is None:
            raise TimeoutError(f"The task {self} has not ended after {timeout} s: {results.why(self)}.")
        if not task.success:
            raise TaskFailed(task.error or f"The task {self} did not succeed: {task.reason}.")
        return task.result

    def revoke(self) -> bool:
        """Cancel the task; tell whether there was something to cancel."""
        return control.cancel(self)

    def forget(self) -> bool:
        """Delete the task if it has ended or nobody has claimed it; tell whether there was one."""
        return control.delete(self)

    def __repr__(self) -> str:
        return f"<TaskHandle {self}>"


def _of_row(row: OrmQ) -> str:
    if row.running_since is not None:
        return STARTED
    return RETRY if row.attempts and row.state == TaskState.DEFERRED else PENDING


def _of_task(task: Task) -> str:
    if task.success:
        return SUCCESS
    return REVOKED if task.reason == Reason.CANCELED else FAILURE
