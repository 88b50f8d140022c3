"""Where the files of artifacts are kept; the settings are read at each use."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.files.storage import Storage, default_storage, storages
from django.utils.module_loading import import_string

#: The alias in ``settings.STORAGES`` that wins over all else.
ALIAS = "user_task_artifacts"


def chosen_storage() -> Storage:
    """Return the storage that the settings name: the alias, else ``USER_TASKS_ARTIFACT_STORAGE``, else the default."""
    if ALIAS in settings.STORAGES:
        return storages[ALIAS]
    path = getattr(settings, "USER_TASKS_ARTIFACT_STORAGE", None)
    return _made(path) if path else default_storage


@lru_cache
def _made(path: str) -> Storage:
    storage: Storage = import_string(path)()
    return storage


class ArtifactStorage(Storage):
    """Stands for the storage that the settings name at the moment, in all it can do."""

    def __getattribute__(self, name: str) -> Any:
        """Ask the chosen storage."""
        if name.startswith("__"):
            return super().__getattribute__(name)
        return getattr(chosen_storage(), name)


def artifact_storage() -> Storage:
    """Return the storage of the field; migrations name this function, so that no setting makes one."""
    return ArtifactStorage()
