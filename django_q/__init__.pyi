# What an editor and a type checker see of the lazy names.
from django_q.cluster.cluster import Cluster as Cluster
from django_q.models import Failure as Failure
from django_q.models import Schedule as Schedule
from django_q.models import Success as Success
from django_q.models import Task as Task
from django_q.status import Stat as Stat
from django_q.tasks import aasync_task as aasync_task
from django_q.tasks import afetch as afetch
from django_q.tasks import aresult as aresult
from django_q.tasks import async_ as async_
from django_q.tasks import async_task as async_task
from django_q.tasks import current_task as current_task
from django_q.tasks import fetch as fetch
from django_q.tasks import get_task as get_task
from django_q.tasks import result as result
from django_q.tasks import schedule as schedule
from django_q.tasks import shared_task as shared_task

__version__: str
