"""User tasks as their users see them: a row for each task, and what it made."""

import logging
from typing import Any
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.validators import URLValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_q.contrib.user_tasks import states
from django_q.contrib.user_tasks.settling import Ending
from django_q.contrib.user_tasks.storage import artifact_storage
from django_q.contrib.user_tasks.transitions import StatusManager, StatusQuerySet

logger = logging.getLogger("django_q.user_tasks")

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
        "self",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("parent"),
    )
    is_container = models.BooleanField(
        _("is a container"), default=False, help_text=_("Does it stand for other user tasks?")
    )
    task_class = models.CharField(
        _("task class"), max_length=128, help_text=_("The path of the function; chain, group or chord for a container.")
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

    objects = StatusManager()

    #: Is the row written again if it was deleted meanwhile? That of a task that runs is, if the settings say so.
    is_restored = False

    class Meta:
        app_label = LABEL
        db_table = "django_q_user_task_status"
        verbose_name = _("user task status")
        verbose_name_plural = _("user task statuses")
        permissions = [("cancel_usertaskstatus", "Can cancel user task status")]
        indexes = [
            models.Index(fields=["user", "-created", "-id"], name="django_q_ut_user"),
            # In this order: InnoDB locks the parent when a row changes in an index that begins with the foreign key.
            models.Index(fields=["state", "parent"], name="django_q_ut_parent"),
            models.Index(fields=["state", "-created", "-id"], name="django_q_ut_state"),
            models.Index(fields=["-created", "-id"], name="django_q_ut_created"),
        ]

    def __str__(self) -> str:
        return f"<UserTaskStatus: {self.name}>"

    @property
    def state_text(self) -> str:
        """The state in the language of the reader; a text of the task as it is."""
        return states.text_of(self.state)

    @property
    def is_final(self) -> bool:
        """Has it ended?"""
        return self.state in states.FINAL

    def start(self) -> None:
        """Set it in progress, and a container above it that waits.

        Like all that changes the state it does nothing if the row has ended, but for one that was canceled it raises
        :exc:`~django_q.contrib.user_tasks.exceptions.TaskCanceledException`. All methods are done when they return,
        unless the caller has a transaction open, and pass over a row that was deleted.
        """
        self._rows.start(self)

    def increment_completed_steps(self, steps: int = 1) -> None:
        """Add steps that are done, up to the total, also to the containers above. Raises what :meth:`start` does."""
        self._rows.add_steps(self, steps)

    def increment_total_steps(self, steps: int) -> None:
        """Add steps that are to be done, also to the containers above. Raises what :meth:`start` does."""
        self._rows.add_total(self, steps)

    def set_state(self, custom_state: str) -> None:
        """Say what it is doing, cut to 128 characters; also of the chain above. Raises what :meth:`start` does."""
        self._rows.set_state(self, custom_state)

    def set_name(self, name: str) -> None:
        """Name it and the containers above it, cut to 255 characters; what has ended, too, unless it was canceled.

        Raises what :meth:`start` does.
        """
        self._rows.set_name(self, name)

    def retry(self) -> None:
        """Say that it will be tried again. Raises what :meth:`start` does."""
        self._rows.end(self, Ending(states.RETRYING))

    def fail(self, message: str) -> None:
        """End it, and the containers above it, as failed; each gets an artifact ``Error`` that tells the user why.

        Raises what :meth:`start` does.
        """
        self._rows.end(self, Ending(states.FAILED, text=str(message)))

    def succeed(self) -> None:
        """End it as succeeded, all steps done; a container ends with its last child. Raises what :meth:`start` does."""
        self._rows.end(self, Ending(states.SUCCEEDED))

    def cancel(self) -> None:
        """End it as canceled, and all below it; what has ended stays as it is.

        What waits in the queue is taken back. A task that runs learns of it when it next changes its status; under
        ``USER_TASKS = {"cancel_running": "interrupt"}`` the cluster stops it as well.
        """
        self._rows.cancel(self)

    def restore(self) -> None:
        """Write the row again as it is here, if it was deleted meanwhile and is one that is restored."""
        if self.is_restored:
            UserTaskStatus.objects.all().restore(self)

    def reset(self) -> None:
        """Put it back to its beginning, whatever state it has: only so does a final state end."""
        self._rows.reset(self)

    async def aincrement_completed_steps(self, steps: int = 1) -> None:
        """Do what :meth:`increment_completed_steps` does, from a coroutine."""
        await sync_to_async(self.increment_completed_steps)(steps)

    async def aset_state(self, custom_state: str) -> None:
        """Do what :meth:`set_state` does, from a coroutine."""
        await sync_to_async(self.set_state)(custom_state)

    async def aset_name(self, name: str) -> None:
        """Do what :meth:`set_name` does, from a coroutine."""
        await sync_to_async(self.set_name)(name)

    async def afail(self, message: str) -> None:
        """Do what :meth:`fail` does, from a coroutine."""
        await sync_to_async(self.fail)(message)

    async def acancel(self) -> None:
        """Do what :meth:`cancel` does, from a coroutine."""
        await sync_to_async(self.cancel)()

    @property
    def _rows(self) -> StatusQuerySet:
        self.restore()
        rows: StatusQuerySet = type(self).objects.using(self._state.db) if self._state.db else type(self).objects.all()
        return rows


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

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write it, unless its user has deleted the task meanwhile: then it is dropped, and the task goes on."""
        rows = UserTaskStatus.objects.all()
        if self._state.adding and self.status_id:
            self.status.restore()
        with transaction.atomic(using=rows.db):
            if self._state.adding and not rows.lock([self.status_id or 0]):
                logger.info("The artifact %r is dropped: its user task was deleted.", self.name)
                return
            super().save(*args, **{"using": rows.db, **kwargs})

    def _content(self) -> Any:
        if self.file:
            return self.file.name
        text = self.url or self.text
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
