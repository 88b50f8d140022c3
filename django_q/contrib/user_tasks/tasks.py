"""What a task is based on to be a user task, and the task that deletes old ones."""

import inspect
import logging
from collections.abc import Callable
from contextvars import ContextVar
from functools import update_wrapper
from inspect import signature
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from django_q.contrib.user_tasks import options, purging, rows, texts
from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.exceptions import TaskCanceled, TaskStopped, TryAgain
from django_q.tasks import SharedTask, current_task, shared_task
from django_q.tasks.enqueue import Draft

__all__ = ["UserTask", "UserTaskMixin", "purge_old_user_tasks"]

logger = logging.getLogger("django_q.user_tasks")

# What says nothing of an error: the task goes on later, or somebody wanted it to end.
_NO_ERRORS = (TaskCanceled, TaskStopped, TryAgain)

_status: ContextVar[UserTaskStatus | None] = ContextVar("django_q_user_task_status", default=None)


class UserTaskMixin:
    """What makes a shared task one that its user can follow; see :class:`UserTask`.

    Its function takes ``user_id``, the key of a user, by position or by keyword. If it takes ``user_task_name``, that
    names the chain or the iteration which the call belongs to.
    """

    # Of the class that is made for each function:
    own_function: Callable[..., Any]
    is_bound: bool

    function: Callable[..., Any]
    task_function: Callable[..., Any]
    name: str

    def __new__(cls, function: Callable[..., Any], *, bind: bool = False, **given: Any) -> "UserTaskMixin":
        """Make the task, of a class of its own: so that class methods know the function."""
        return super().__new__(type(cls.__name__, (cls,), {**_place(cls), "own_function": function, "is_bound": bind}))

    @classmethod
    def generate_name(cls, arguments_dict: dict[str, Any]) -> str:
        """Return what the user sees the task called; the name of the function unless a subclass says otherwise."""
        return str(getattr(cls.own_function, "__name__", cls.own_function))

    @staticmethod
    def calculate_total_steps(arguments_dict: dict[str, Any]) -> int:
        """Return how many steps the task has; one unless a subclass says otherwise."""
        return 1

    @classmethod
    def error_text(cls, exc: BaseException) -> str:
        """Return what the user is told when the task fails with this: a general sentence, unless the exception is a
        :class:`~django_q.contrib.user_tasks.exceptions.UserFacingError` or the settings name it."""
        return texts.of_error(exc)

    @classmethod
    def arguments_as_dict(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return all arguments of a call by name, defaults included; ``self`` is None if there is one."""
        own = signature(cls.own_function)
        bound = own.bind(*([None] if cls.is_bound else []), *args, **kwargs)
        bound.apply_defaults()
        return dict(bound.arguments)

    @property
    def status(self) -> UserTaskStatus:
        """The row of the task that runs here, the same object throughout an attempt.

        Raises :exc:`RuntimeError` outside of a task.
        """
        running, status = current_task(), _status.get()
        if running is None or status is None or status.task_id != running.id:
            raise RuntimeError(
                f"{self.name} has a status only while it runs as a task. Enqueue it, or call async_task(…, sync=True)."
            )
        return status

    def on_prepared(self, draft: Draft, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Add the row of a call to what will be written. Raises :exc:`TypeError` without a user."""
        UserTaskStatus.objects.all().become_writer()
        row = self._pending(draft.id, args, kwargs)
        draft.mark(**{rows.MARK: draft.id})
        draft.accompany(rows.write, row)

    @property
    def worker_function(self) -> Callable[..., Any]:
        """What a worker runs: the function, with its status begun and its error noted."""
        function = self.task_function
        run = self._coroutine_around(function) if inspect.iscoroutinefunction(self.function) else self._around(function)
        update_wrapper(run, self.function, updated=())
        del run.__dict__["__wrapped__"]
        run.__signature__ = signature(function)  # type: ignore[attr-defined]
        return run

    def _around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            token = _status.set(self._begin(args, kwargs))
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                self._note(error)
                raise
            else:
                self._note(None)
                return result
            finally:
                _status.reset(token)

        return run

    def _coroutine_around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def run(*args: Any, **kwargs: Any) -> Any:
            token = _status.set(await sync_to_async(self._begin)(args, kwargs))
            try:
                result = await function(*args, **kwargs)
            except BaseException as error:
                await sync_to_async(self._note)(error)
                raise
            else:
                if options.recreates():
                    await sync_to_async(self._note)(None)
                return result
            finally:
                _status.reset(token)

        return run

    def _begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> UserTaskStatus:
        """Return the row of the task that runs here, begun; one that was deleted is not written again."""
        running = current_task()
        if running is None:
            raise RuntimeError(f"{self.name} can be run by a worker only.")
        status = rows.find(running.id)
        if status is None:
            status = self._pending(running.id, args, kwargs).status
            if options.recreates() or not rows.was_deleted(running.id):
                rows.adopt(status)
        status.is_restored = options.recreates()
        status.start()
        return status

    def _note(self, error: BaseException | None) -> None:
        """Write what the user will be told of an error, should the task end with it; see that there is a row."""
        status = _status.get()
        if isinstance(error, _NO_ERRORS) or status is None:
            return
        try:
            status.restore()
            if error is not None:
                UserTaskStatus.objects.filter(pk=status.pk).update(error_text=self._told(error))
        except DatabaseError:  # which may be what the task met as well: that is the error to be raised
            logger.warning("What the user of task %s is told could not be written.", status.task_id, exc_info=True)

    def _told(self, error: BaseException) -> str:
        try:
            return str(type(self).error_text(error))
        except Exception:  # what users write must not hide the error that it is about
            logger.exception("error_text() of %s failed.", self.name)
            return texts.of_reason(None)

    def _pending(self, task_id: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> rows.Pending:
        arguments = self.arguments_as_dict(*args, **kwargs)
        return rows.pending(
            task_id,
            arguments,
            kwargs,
            task_class=self.name,
            name=type(self).generate_name(arguments),
            total=type(self).calculate_total_steps(arguments),
        )


class UserTask(UserTaskMixin, SharedTask[..., Any]):
    """A base for ``@shared_task(base=UserTask, bind=True)``: tasks whose name, state and progress their user sees."""


def _place(cls: type) -> dict[str, Any]:
    return {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}


@shared_task
def purge_old_user_tasks() -> int:
    """Delete the rows that are older than ``USER_TASKS_MAX_AGE`` and have ended; return how many."""
    return purging.purge()
