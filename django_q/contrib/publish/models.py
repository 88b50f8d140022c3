"""Who enqueued what is published under which name: so that it is known before a task begins who may watch it."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class PublishedTask(models.Model):
    """A task that publishes, or will, under the name of a stream."""

    stream = models.CharField(_("stream"), max_length=200, db_index=True)
    task_id = models.CharField(_("task id"), max_length=32)
    owner = models.CharField(
        _("owner"), max_length=190, null=True, blank=True, help_text=_("The key of the user who enqueued it.")
    )
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        app_label = "django_q_publish"
        db_table = "django_q_publish_task"
        verbose_name = _("published task")
        verbose_name_plural = _("published tasks")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["task_id", "stream"], name="django_q_publish_one")]

    def __str__(self) -> str:
        return self.stream
