"""User tasks as their users see them: a row for each task, and what it made."""

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.validators import URLValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_q.contrib.user_tasks import states
from django_q.contrib.user_tasks.storage import artifact_storage

LABEL = "django_q_user_tasks"

_SHOWN = 50  # characters of a text that a title holds


class UserTaskStatus(models.Model):
    """What a task tells its user. A container stands for a chain or an iteration, its children for their tasks."""

    PENDING = states.PENDING
    IN_PROGRESS = states.IN_PROGRESS
    RETRYING = states.RETRYING
    SUCCEEDED = states.SUCCEEDED
    FAILED = states.FAILED
    CANCELED = states.CANCELED

    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    modified = models.DateTimeField(_("modified"), auto_now=True)
    uuid = models.UUIDField(_("UUID"), default=uuid4, unique=True, editable=False)
    # The list by user has an index of its own.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("user"), db_index=False)
    task_id = models.CharField(
        _("task id"), max_length=128, unique=True, help_text=_("The id of the task, or of the chain or iteration.")
    )
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="children", verbose_name=_("parent")
    )
    is_container = models.BooleanField(
        _("is a container"), default=False, help_text=_("Does it stand for other user tasks?")
    )
    task_class = models.CharField(
        _("task class"), max_length=128, help_text=_("The path of the function; chain or group for a container.")
    )
    name = models.CharField(_("name"), max_length=255)
    state = models.CharField(
        _("state"), max_length=128, default=states.PENDING, help_text=_("A known state, or a text of the task.")
    )
    completed_steps = models.PositiveBigIntegerField(_("completed steps"), default=0)
    total_steps = models.PositiveBigIntegerField(_("total steps"))
    attempts = models.PositiveIntegerField(_("attempts"), default=1)
    error_text = models.TextField(
        _("error text"), blank=True, default="", editable=False, help_text=_("What the user is told if it fails.")
    )

    class Meta:
        app_label = LABEL
        db_table = "django_q_user_task_status"
        verbose_name = _("user task status")
        verbose_name_plural = _("user task statuses")
        permissions = [("cancel_usertaskstatus", "Can cancel user task status")]
        indexes = [
            models.Index(fields=["user", "-created", "-id"], name="django_q_ut_user"),
            models.Index(fields=["state", "-created", "-id"], name="django_q_ut_state"),
            models.Index(fields=["-created", "-id"], name="django_q_ut_created"),
        ]

    def __str__(self) -> str:
        return f"<UserTaskStatus: {self.name}>"

    @property
    def state_text(self) -> str:
        """The state in the language of the reader; a text of the task as it is."""
        return gettext(self.state) if self.state in states.KNOWN else self.state


class UserTaskArtifact(models.Model):
    """Something that a task made for its user: a file, an address or a text. An ``Error`` says why it failed."""

    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    modified = models.DateTimeField(_("modified"), auto_now=True)
    uuid = models.UUIDField(_("UUID"), default=uuid4, unique=True, editable=False)
    status = models.ForeignKey(UserTaskStatus, models.CASCADE, related_name="artifacts", verbose_name=_("status"))
    name = models.CharField(_("name"), max_length=255, default="Output")
    file = models.FileField(
        _("file"), null=True, blank=True, max_length=255, storage=artifact_storage, upload_to="user_tasks/%Y/%m/%d/"
    )
    url = models.TextField(_("URL"), blank=True, default="", validators=[URLValidator()])
    text = models.TextField(_("text"), blank=True, default="")

    class Meta:
        app_label = LABEL
        db_table = "django_q_user_task_artifact"
        verbose_name = _("user task artifact")
        verbose_name_plural = _("user task artifacts")
        indexes = [models.Index(fields=["-created", "-id"], name="django_q_ut_artifact")]

    def __str__(self) -> str:
        return f"<UserTaskArtifact: ({self.name}) {self._content()}>"

    def _content(self) -> Any:
        if self.file:
            return self.file.name
        text = self.url or self.text
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
