"""The move as a whole."""

from django.conf import settings as django_settings
from django.core.management.base import CommandError
from django.utils import timezone

from django_q.conf import DAY
from django_q.contrib.user_tasks import options
from django_q.contrib.user_tasks.models import LABEL
from django_q.contrib.user_tasks.moving.artifacts import ArtifactMove
from django_q.contrib.user_tasks.moving.copying import Plan
from django_q.contrib.user_tasks.moving.rights import of_rights
from django_q.contrib.user_tasks.moving.statuses import UNFINISHED, StatusMove
from django_q.contrib.user_tasks.moving.tables import OldArtifact, OldStatus, find
from django_q.contrib.user_tasks.storage import ALIAS
from django_q.management.moving.plan import in_settings_form
from django_q.management.moving.report import Part, Report
from django_q.management.moving.sources import Request
from django_q.management.preconditions import require_tables

TITLE = "django-user-tasks"

UNTOUCHED = "The old rows stay as they are, untouched, until you drop their tables."
FILES = (
    "Files stay where they are, and rows of both tables name them: to delete a user task here, or to purge it, deletes "
    "its files."
)
OTHER_STORAGE = (
    f"Files are looked for in STORAGES[{ALIAS!r}], which django-user-tasks did not use: it stored them where "
    "USER_TASKS_ARTIFACT_STORAGE says, or in the default storage. Copy them if that is another place."
)
HOW_TO_END = (
    "What has not ended is moved by another run when it has. If no Celery worker runs it any more, pass "
    "--include-leased: it is moved as failed, with an artifact that tells its user so. Calls that wait in Celery's "
    "broker are not in the database: let its workers finish them."
)


class FromUserTasks:
    """A move from django-user-tasks; CommandError where tables are missing."""

    def __init__(self, request: Request) -> None:
        for option, is_given in (("--trust-pickles", request.trusts_pickles), ("--name", request.cluster_name)):
            if is_given:
                raise CommandError(f"{option} means nothing to user_tasks: nothing in its rows is pickled or signed.")
        require_tables(request.settings.orm, LABEL)
        self.plan = Plan(
            old=find(request.database),
            settings=request.settings,
            batch=request.batch,
            dry_run=request.dry_run,
            ends_unfinished=request.includes_leased,
        )

    def refuse_leased(self) -> None:
        """Refuse nothing: to move a row runs no task, and what somebody may run stays until it has ended."""

    def run(self) -> Report:
        """Move what has not been moved, and return what was done; in a dry run, what would be."""
        tasks, artifacts = Part("User tasks"), Part("Artifacts")
        report = Report(TITLE, self.plan.old.alias, self.plan.dry_run, {"tasks": tasks, "artifacts": artifacts})
        statuses = StatusMove(self.plan, tasks)
        statuses.run()
        ArtifactMove(self.plan, artifacts, statuses.staying).run()
        report.remarks += [UNTOUCHED, *([HOW_TO_END] if UNFINISHED in tasks.stays else [])]
        report.remarks += [*self._of_files(), *self._of_age(), *of_rights(self.plan.old.alias)]
        return report

    def _of_files(self) -> list[str]:
        if not self.plan.old.rows(OldArtifact).exclude(file=None).exclude(file="").exists():
            return []
        return [FILES, *([OTHER_STORAGE] if ALIAS in django_settings.STORAGES else [])]

    def _of_age(self) -> list[str]:
        age = options.max_age()
        edge = in_settings_form(timezone.now() - age)
        count = self.plan.old.rows(OldStatus).filter(created__lt=edge).count()
        if not count:
            return []
        return [
            f"{count} user tasks were created longer ago than USER_TASKS_MAX_AGE ({age.total_seconds() / DAY:g} days): "
            "the next purge_user_tasks deletes them here, with their files."
        ]
