"""The shortest way to a user task."""

# ruff: noqa
# fmt: off

from django_q import shared_task
from django_q.contrib.user_tasks.models import UserTaskArtifact
from django_q.contrib.user_tasks.tasks import UserTask
from my_app.models import Course


@shared_task(base=UserTask, bind=True)
def export_task(self, user_id, course_id):
    course = Course.objects.get(pk=course_id)
    output = ''
    for section in course.sections.all():
        output += section.export()
    UserTaskArtifact.objects.create(status=self.status, text=output)
