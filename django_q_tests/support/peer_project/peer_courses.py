"""User tasks as people have them with Celery."""

from celery import Celery, shared_task
from django.core.files.base import ContentFile
from user_tasks.models import UserTaskArtifact
from user_tasks.tasks import UserTask

app = Celery("courses", broker="memory://", backend="cache+memory://")
# With the newer protocol of Celery 5 the package writes no rows for chains.
app.conf.update(task_protocol=1, result_chord_join_timeout=5)
app.set_default()

PAUSE = 0  # seconds before another attempt


class ExportTask(UserTask):
    @classmethod
    def generate_name(cls, arguments_dict):
        return f"Export of {arguments_dict['course']}"

    @staticmethod
    def calculate_total_steps(arguments_dict):
        return 3


@shared_task(base=ExportTask, bind=True)
def export(self, user_id, course, user_task_name=""):
    for section in ("ä", "b", "c"):
        self.status.set_state(f"Exporting {section}")
        self.status.increment_completed_steps()
    status = self.status
    UserTaskArtifact.objects.create(status=status, text=course)
    UserTaskArtifact.objects.create(status=status, name="Page", url=f"https://example.com/{'x' * 600}")
    UserTaskArtifact.objects.create(status=status, name="File", file=ContentFile(b"text", name=f"{course}.txt"))
    UserTaskArtifact.objects.create(status=status, name="Nothing")


@shared_task(base=UserTask, bind=True)
def count(self, user_id, user_task_name=""):
    return 1


@shared_task(base=UserTask, bind=True)
def gather(self, results=(), user_id=None):
    return len(results)


@shared_task(base=UserTask, bind=True)
def fail(self, user_id, user_task_name=""):
    raise ValueError("out of ink")


@shared_task(base=UserTask, bind=True)
def fail_once(self, user_id):
    if not self.request.retries:
        raise self.retry(countdown=PAUSE)


@shared_task(base=UserTask, bind=True)
def fail_politely(self, user_id):
    self.status.fail("The course is empty.")


@shared_task
def mail(*args):
    """No user task."""
