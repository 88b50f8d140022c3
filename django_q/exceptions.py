"""Every error that is raised on purpose; the docstring of a class is its default message."""

from django.core.exceptions import ImproperlyConfigured


class ClusterError(Exception):
    """Something went wrong in django_q. Never raised itself."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(args or ((self.__doc__ or "").split("\n")[0],)))


class ClusterNotStarted(ClusterError, RuntimeError):
    """A cluster ended before it had started."""


class InvalidOption(ClusterError, TypeError):
    """A keyword is neither an option of the task nor a parameter of its function."""


class InvalidValue(ClusterError, ValueError):
    """A value is outside what an option, a setting or an argument may hold."""


class InvalidSettings(ClusterError, ImproperlyConfigured):
    """Q_CLUSTER holds values that cannot be used."""


class FunctionNotFound(ClusterError, ImportError):
    """The module or the attribute of a function's path does not exist."""

    def __init__(self, *args: object, path: str = "", suggestion: str | None = None) -> None:
        super().__init__(*args)
        self.path = path
        self.suggestion = suggestion


class PayloadError(ClusterError):
    """A stored payload is damaged, is signed with another key or belongs to another row."""


class UnpicklableError(PayloadError, TypeError):
    """A value cannot be stored by the chosen serializer."""


class ItemsFailed(ClusterError):
    """Items of an iteration did not succeed."""

    def __init__(self, *args: object, results: object = None) -> None:
        super().__init__(*args)
        self.results = results


class ItemsLost(ClusterError):
    """Items of an iteration are no longer in the history, so that their results cannot be collected."""


class DoNotRetry(ClusterError):
    """Another attempt is pointless: raised by a task, it ends the task as a failure whatever attempts are left."""


class TryAgain(ClusterError):
    """The task asks to be run again, whatever attempts are left: after ``delay`` seconds, or as ``backoff`` says."""

    def __init__(self, *args: object, delay: float | None = None) -> None:
        super().__init__(*args)
        self.delay = delay


class TaskExpired(ClusterError):
    """The task did not begin before the moment that its option ``expires`` names."""


class TaskFailed(ClusterError):
    """The task whose result was asked for did not succeed."""


class TransactionError(ClusterError):
    """The task cannot be enqueued in the state of the caller's transaction."""


class TooManyViewers(ClusterError):
    """As many watch in this process as may; ask again later, or now and then."""


class TaskInterrupt(BaseException):
    """The cluster stops the running task. A BaseException, lest a task's ``except Exception`` swallows it."""


class TaskTimeout(TaskInterrupt):
    """The task ran longer than its timeout."""


class TaskCanceled(TaskInterrupt):
    """The task was canceled while it ran."""


class TaskStopped(TaskInterrupt):
    """The cluster shuts down and the task's grace is over."""


#: What Django Q calls it.
TimeoutException = TaskTimeout
