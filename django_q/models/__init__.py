"""What is stored: one file per table, the verbs on its queryset."""

from django_q.models.event import Event
from django_q.models.incarnation import Incarnation
from django_q.models.moved import Moved
from django_q.models.progress import Progress
from django_q.models.queue import OrmQ
from django_q.models.schedule import Schedule
from django_q.models.task import Failure, Success, Task

__all__ = ["Event", "Failure", "Incarnation", "Moved", "OrmQ", "Progress", "Schedule", "Success", "Task"]
