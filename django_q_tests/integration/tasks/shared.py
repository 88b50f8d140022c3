"""Shared tasks that the tests of this folder enqueue."""

from django_q.exceptions import DoNotRetry
from django_q.tasks import SharedTask, current_task, shared_task


@shared_task
def add(left, right=0):
    """Return a sum."""
    return left + right


@shared_task(bind=True, timeout=60, group="bound")
def bound(self, number):
    return self.name, self.request.id, number


@shared_task
def takes_options(group, timeout):
    return group, timeout


@shared_task
async def coroutine(number):
    return number + 1


@shared_task(bind=True, default_retry_delay=7)
def stubborn(self, retries):
    """Fail so many times, and ask for another attempt each time."""
    done = self.request.retries if self.request else None
    if done is None or done < retries:
        error = OSError(f"attempt {done}")
        self.retry(exc=error)
    return done


@shared_task(bind=True, max_retries=1)
def gives_up_after_one_retry(self):
    self.retry(countdown=0)


@shared_task
def gives_up():
    raise DoNotRetry("no use")


class Loud(SharedTask):
    """A base that changes what enqueueing means."""

    def apply_async(self, args=(), kwargs=None, **options):
        return super().apply_async([word.upper() for word in args], kwargs, task_name="loud", **options)

    def about(self):
        return f"{self.name} in {current_task().queue}"


@shared_task(base=Loud, bind=True)
def loud(self, word):
    return word, self.about()
