"""What follows from rows that come and go, whoever writes and deletes them."""

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from django_q.examples.experimenteditor.models import Booking, Experiment, RunTask
from django_q.tasks import cancel


@receiver(post_delete, sender=RunTask, dispatch_uid="experimenteditor.drop_task")
def drop_task(instance: RunTask, **kwargs: Any) -> None:
    """Cancel a task whose run is gone, or planned anew: it would find nothing to work on."""
    cancel(instance.task_id)


@receiver(post_save, sender=Booking, dispatch_uid="experimenteditor.mark_scheduled")
def mark_scheduled(instance: Booking, **kwargs: Any) -> None:
    """An experiment is scheduled as long as it has a booking."""
    Experiment.objects.filter(pk=instance.related_experiment_id).update(is_scheduled=True)


@receiver(post_delete, sender=Booking, dispatch_uid="experimenteditor.mark_free")
def mark_free(instance: Booking, **kwargs: Any) -> None:
    """Without its booking an experiment is free again, and what has not begun does not begin any more."""
    Experiment.objects.filter(pk=instance.related_experiment_id).update(is_scheduled=False)
    RunTask.objects.filter(run=instance.run_id, run__post_began_at=None, run__error="").delete()
