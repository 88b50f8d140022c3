"""What pages are told of user tasks: read for many at once, and said in the language of one reader."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Subquery, Window
from django.db.models.functions import Left, RowNumber
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from django_q import conf
from django_q.contrib.user_tasks import states
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.models import OrmQ
from django_q.tasks import TaskProgress, progress_of_many

_ARTIFACTS = 20  # those of a row that are told
_EXCERPT = 500  # characters of the text of one

_MINUTE, _HOUR = 60, 3600


class Artifact(NamedTuple):
    """What a task made."""

    name: str
    url: str
    file: str | None  # its name in the storage
    text: str  # one character more than is shown, if there is more


@dataclass(frozen=True, slots=True)
class Facts:
    """A user task at one moment; equal to another one if pages would show the same."""

    state: str
    name: str
    done: int
    total: int
    attempts: int
    error: str
    artifacts: tuple[Artifact, ...]
    began: datetime | None  # when the first attempt did, if it still runs; known a moment later
    row: UserTaskStatus = field(compare=False, repr=False)

    @classmethod
    def of(cls, row: UserTaskStatus, artifacts: Iterable[Artifact], said: TaskProgress | None = None) -> "Facts":
        """Return what is known of a row, and of what its task said otherwise."""
        state, done, total = row.state, row.completed_steps, row.total_steps
        if said is not None and said.total:
            done, total = int(min(said.done, said.total)), int(said.total)
            state = said.message[:128] if said.message and state in states.OPEN else state
        began = getattr(row, "running_since", None) if row.attempts == 1 else None
        error = row.error_text if row.state == states.FAILED else ""
        return cls(state, row.name, done, total, row.attempts, error, tuple(artifacts), began, row)

    @property
    def version(self) -> str:
        """What differs if pages would show something else; the same in every process."""
        return blake2b(repr(self).encode(errors="surrogatepass"), digest_size=8).hexdigest()

    @property
    def percent(self) -> int | None:
        """How much is done of 100; None if that is not known."""
        if self.total <= 0:
            return 100 if self.state == states.SUCCEEDED else None
        return min(100 * self.done // self.total, 100)

    @property
    def seconds_left(self) -> int | None:
        """How long it will take if it goes on as it did; None if that is not known."""
        if self.began is None or self.row.is_final or not 0 < self.done < self.total:
            return None
        spent = (timezone.now() - self.began).total_seconds()
        return round(spent * (self.total - self.done) / self.done) if spent > 0 else None


def look_at(uuids: Collection[UUID]) -> dict[UUID, Facts]:
    """Return what is known of those that exist, in one query; a second one for artifacts, a third for tasks that do
    not count their steps."""
    rows = UserTaskStatus.objects.filter(uuid__in=list(uuids)).annotate(
        running_since=Subquery(OrmQ.objects.filter(pk=OuterRef("task_id")).values("running_since")[:1]),
        has_artifacts=Exists(UserTaskArtifact.objects.filter(status=OuterRef("pk"))),
    )
    found: list[Any] = list(rows)
    artifacts = artifacts_of([row.pk for row in found if row.has_artifacts])
    said = progress_of_many([row.task_id for row in found if _may_have_said_more(row)])
    return {row.uuid: Facts.of(row, artifacts.get(row.pk, ()), said.get(row.task_id)) for row in found}


def artifacts_of(pks: Collection[int]) -> Mapping[int, list[Artifact]]:
    """Return the first artifacts of each of these rows."""
    found: dict[int, list[Artifact]] = defaultdict(list)
    if not pks:
        return found
    place = Window(RowNumber(), partition_by=F("status_id"), order_by=F("pk").asc())
    rows = UserTaskArtifact.objects.using(conf.current().orm).filter(status__in=pks)
    first = rows.annotate(place=place, excerpt=Left("text", _EXCERPT + 1)).filter(place__lte=_ARTIFACTS)
    for status, name, url, file, text in first.order_by("pk").values_list("status", "name", "url", "file", "excerpt"):
        found[status].append(Artifact(name, url, file, text))
    return found


def _may_have_said_more(row: UserTaskStatus) -> bool:
    """Is it possible that a task says by ``current_task().progress()`` what its row does not show?"""
    return not (row.completed_steps or row.is_final or row.is_container or row.state == states.PENDING)


def snapshot(facts: Facts, *, may_cancel: bool, sees_artifacts: bool) -> dict[str, Any]:
    """Return what a page is told, in the active language, ready to be JSON."""
    left = facts.seconds_left
    return {
        "uuid": str(facts.row.uuid),
        "name": facts.name,
        "state": facts.state,
        "state_text": states.text_of(facts.state),
        "completed_steps": facts.done,
        "total_steps": facts.total,
        "percent": facts.percent,
        "percent_text": "" if facts.percent is None else gettext("%(percent)d %%") % {"percent": facts.percent},
        "seconds_left": left,
        "left_text": "" if left is None else left_text(left),
        "is_final": facts.row.is_final,
        "attempts": facts.attempts,
        "error": facts.error,
        "artifacts": [_told(artifact) for artifact in facts.artifacts if sees_artifacts and not _is_error(artifact)],
        "may_cancel": may_cancel and not facts.row.is_final,
    }


def left_text(seconds: int) -> str:
    """Return how long it will take, roughly, in the active language."""
    if seconds < 10:
        return gettext("a few seconds left")
    if seconds < 90:
        count = 10 * round(seconds / 10)
        return ngettext("about %(count)d second left", "about %(count)d seconds left", count) % {"count": count}
    if seconds < 90 * _MINUTE:
        count = round(seconds / _MINUTE)
        return ngettext("about %(count)d minute left", "about %(count)d minutes left", count) % {"count": count}
    count = round(seconds / _HOUR)
    return ngettext("about %(count)d hour left", "about %(count)d hours left", count) % {"count": count}


def _is_error(artifact: Artifact) -> bool:
    """Is it what ``error`` tells already?"""
    return artifact.name == UserTaskStatus.objects.all().ERROR


def _told(artifact: Artifact) -> dict[str, Any]:
    is_cut = len(artifact.text) > _EXCERPT
    return {
        "name": artifact.name,
        "url": _file_url(artifact.file) or _safe(artifact.url),
        "text": f"{artifact.text[:_EXCERPT]}…" if is_cut else artifact.text,
    }


def _safe(url: str) -> str:
    """Return an address that a page may link to: not one that runs a script."""
    return url if url.lower().startswith(("http://", "https://")) else ""


def _file_url(name: str | None) -> str:
    if not name:
        return ""
    field: Any = UserTaskArtifact._meta.get_field("file")
    try:
        return str(field.storage.url(name))
    except (NotImplementedError, ValueError):  # a storage whose files have no address
        return ""
