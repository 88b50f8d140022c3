"""What follows from the deletion of rows, whoever deletes them."""

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from django_q.examples.experimenteditor.models import RunTask
from django_q.tasks import cancel


@receiver(post_delete, sender=RunTask, dispatch_uid="experimenteditor.drop_task")
def drop_task(instance: RunTask, **kwargs: Any) -> None:
    """Cancel a task whose run is gone: it would find nothing to work on."""
    cancel(instance.task_id)
