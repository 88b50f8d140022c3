"""The pages of the Django admin: history, queue, schedules and clusters."""

from django_q.admin.clusters import IncarnationAdmin
from django_q.admin.deeds import resubmit_task
from django_q.admin.history import FailureAdmin, SuccessAdmin
from django_q.admin.queue import OrmQAdmin
from django_q.admin.schedules import ScheduleAdmin

__all__ = [
    "FailAdmin",
    "FailureAdmin",
    "IncarnationAdmin",
    "OrmQAdmin",
    "QueueAdmin",
    "ScheduleAdmin",
    "SuccessAdmin",
    "TaskAdmin",
    "resubmit_task",
]

# Under the names of Django Q.
TaskAdmin = SuccessAdmin
FailAdmin = FailureAdmin
QueueAdmin = OrmQAdmin
