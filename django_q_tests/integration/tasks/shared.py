"""Shared tasks that the tests of this folder enqueue."""

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


class Loud(SharedTask):
    """A base that changes what enqueueing means."""

    def apply_async(self, args=(), kwargs=None, **options):
        return super().apply_async([word.upper() for word in args], kwargs, task_name="loud", **options)

    def about(self):
        return f"{self.name} in {current_task().queue}"


@shared_task(base=Loud, bind=True)
def loud(self, word):
    return word, self.about()
