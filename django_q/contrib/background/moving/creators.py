"""The objects for which tasks were enqueued: the kind of each is known by application and model in both databases."""

from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType

from django_q.management.moving.reading import Row

STRANGE = "moved without its creator, whose model is not installed here"
LOST = "moved without its creator, whose content type is not in the old database"


class Creators:
    """Finds creators in our database."""

    def __init__(self, old: str, ours: str, *, dry_run: bool) -> None:
        self._ours = ContentType.objects.using(ours)
        self._may_write = not dry_run
        kinds = ContentType.objects.using(old).values_list("pk", "app_label", "model")
        self._names: dict[int, tuple[str, str]] = {pk: (label, model) for pk, label, model in kinds}
        self._keys: dict[tuple[str, str], int] = {}

    def of(self, row: Row) -> tuple[dict[str, Any], list[str]]:
        """Return the columns that name the creator of a task, and what is to be said of it."""
        kind = row["creator_content_type_id"]
        if kind is None or row["creator_object_id"] is None:
            return {}, []
        if kind not in self._names:
            return {}, [LOST]
        if not _is_installed(*self._names[kind]):
            return {}, [STRANGE]
        columns = {"creator_content_type_id": self._key(*self._names[kind])}
        return columns | {"creator_object_id": str(row["creator_object_id"])}, []

    def _key(self, label: str, model: str) -> int | None:
        if (label, model) not in self._keys:
            found = self._ours.filter(app_label=label, model=model).first()
            if found is None and self._may_write:
                found, _ = self._ours.get_or_create(app_label=label, model=model)
            if found is None:
                return None
            self._keys[label, model] = found.pk
        return self._keys[label, model]


def _is_installed(label: str, model: str) -> bool:
    try:
        apps.get_model(label, model)
    except LookupError:
        return False
    return True
