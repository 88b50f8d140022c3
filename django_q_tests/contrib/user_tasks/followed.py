"""User tasks in the ways in which one writes them."""

from django.contrib.auth import get_user_model

from django_q.contrib.background import background
from django_q.contrib.user_tasks.exceptions import UserFacingError
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.tasks import UserTask
from django_q.tasks import current_task, shared_task


@shared_task(base=UserTask, bind=True)
def bare(self, user_id, text="nothing"):
    """Make one artifact."""
    UserTaskArtifact.objects.create(status=self.status, text=text)
    return text


class Counting(UserTask):
    """A base that names its tasks and counts their steps."""

    @classmethod
    def generate_name(cls, arguments_dict):
        return f"Count to {arguments_dict['steps']}"

    @staticmethod
    def calculate_total_steps(arguments_dict):
        return arguments_dict["steps"]


@shared_task(base=Counting, bind=True)
def counts(self, user_id, steps=3, user_task_name=""):
    seen = []
    for number in range(steps):
        self.status.set_state(f"Step {number + 1}")
        seen.append(state_of(self.status))
        self.status.increment_completed_steps()
    return seen


@shared_task(base=Counting, bind=True)
def collects(self, results, user_id, steps=1, user_task_name=""):
    """The final task of a chord."""
    self.status.increment_completed_steps()
    return [results, self.status.completed_steps]


@shared_task(base=Counting, bind=True)
async def counts_async(self, user_id, steps=3):
    for number in range(steps):
        await self.status.aset_state(f"Step {number + 1}")
        await self.status.aincrement_completed_steps()
    return self.status.completed_steps


@shared_task(base=UserTask)
def unbound(user_id, *args, flag=True, **kwargs):
    return [user_id, args, flag, kwargs]


@shared_task(base=UserTask, bind=True)
def fails(self, user_id, message="password=secret", user_facing=False):
    self.status.set_state("About to fail")
    raise (UserFacingError if user_facing else ValueError)(message)


@shared_task(base=UserTask, bind=True, max_attempts=2, backoff=60)
def fails_once(self, user_id, always=False):
    if always or current_task().attempt == 1:
        raise ValueError("the first time")
    return "the second time"


@shared_task(base=UserTask, bind=True)
def fails_by_hand(self, user_id):
    self.status.fail("There is no paper.")
    return "done"


def refuse(arguments_dict):
    raise LookupError("no such course")


class Refusing(UserTask):
    """A base that cannot name its tasks."""

    generate_name = staticmethod(refuse)


@shared_task(base=Refusing, bind=True)
def refuses(self, user_id):
    return None


class Explaining(UserTask):
    """A base that tells users of errors in its own words."""

    @classmethod
    def error_text(cls, exc):
        return f"Sorry: {type(exc).__name__}"


@shared_task(base=Explaining, bind=True)
def explains(self, user_id):
    raise KeyError("internals")


@shared_task(base=UserTask, bind=True)
def is_canceled_meanwhile(self, user_id, swallow=False):
    UserTaskStatus.objects.get(task_id=self.request.id).cancel()
    try:
        self.status.increment_completed_steps()
    except Exception:
        if not swallow:
            raise
    return "finished all the same"


@shared_task(base=UserTask, bind=True)
def is_deleted_meanwhile(self, user_id):
    UserTaskStatus.objects.filter(task_id=self.request.id).delete()
    self.status.set_state("going on")
    self.status.increment_completed_steps()
    UserTaskArtifact.objects.create(status=self.status, text="dropped")
    return "finished all the same"


@shared_task(base=UserTask)
def is_deleted_and_says_nothing(user_id):
    UserTaskStatus.objects.filter(task_id=current_task().id).delete()


@shared_task(base=UserTask, bind=True)
async def is_deleted_async(self, user_id):
    await UserTaskStatus.objects.filter(task_id=self.request.id).adelete()


@shared_task(base=UserTask)
def is_deleted_and_fails(user_id):
    UserTaskStatus.objects.filter(task_id=current_task().id).delete()
    raise UserFacingError("The file is gone.")


@shared_task(base=UserTask, bind=True)
def chain_is_deleted(self, user_id):
    self.status.parent.delete()
    self.status.set_state("going on")


@shared_task(base=UserTask, bind=True)
def user_is_deleted(self, user_id):
    get_user_model().objects.filter(pk=user_id).delete()
    self.status.set_state("going on")
    return "finished all the same"


@background
@shared_task(base=Counting, bind=True)
def in_background(self, user_id, steps=2):
    self.status.increment_completed_steps(steps)
    return steps


@shared_task(base=UserTask, bind=True)
def looks(self, user_id):
    """Look how it stands for itself, and for the chain that it is part of."""
    return [state_of(self.status), state_of(self.status.parent)]


@shared_task(base=UserTask)
def must_not_run(user_id):
    """What is canceled before it begins."""
    raise AssertionError("it was run")


@shared_task
def plain(*args):
    """No user task."""
    return args


def state_of(status):
    """Return the state as it is in the database, for everybody to see."""
    return UserTaskStatus.objects.get(pk=status.pk).state


def make_user(name="ann"):
    return get_user_model().objects.create_user(name)
