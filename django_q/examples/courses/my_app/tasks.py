"""A user task with a name, a state and progress."""

# ruff: noqa
# fmt: off

from django_q import shared_task
from django_q.contrib.user_tasks.models import UserTaskArtifact
from django_q.contrib.user_tasks.tasks import UserTask
from my_app.models import Course


class ExportTask(UserTask):

    @classmethod
    def generate_name(cls, arguments_dict):
        course = Course.objects.get(pk=arguments_dict['course_id'])
        return 'Export of {}'.format(course.name)

    @staticmethod
    def calculate_total_steps(arguments_dict):
        course = Course.objects.get(pk=arguments_dict['course_id'])
        return course.sections.count()


@shared_task(base=ExportTask, bind=True)
def export_task(self, user_id, course_id):
    course = Course.objects.get(pk=course_id)
    output = ''
    for section in course.sections.all():
        self.status.set_state('Exporting {}'.format(section.name))
        output += section.export()
        self.status.increment_completed_steps()
    UserTaskArtifact.objects.create(status=self.status, text=output)
