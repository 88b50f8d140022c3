"""The permissions of user tasks as rules of django-rules, for those who want to combine them with their own."""

from typing import Any

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.permissions import OF_OWNERS, owner_of, permission

try:
    import rules
except ModuleNotFoundError as error:
    raise ImportError("The rules of user tasks need django-rules. Run: pip install rules") from error


@rules.predicate
def is_status_creator(user: Any, status: UserTaskStatus | None = None) -> bool:
    """Is it the user's own task? Without one: could it be?"""
    return bool(user.is_authenticated if status is None else owner_of(status) == user.pk)


@rules.predicate
def is_artifact_creator(user: Any, artifact: UserTaskArtifact | None = None) -> bool:
    """Did a task of the user make it? Without one: could it be?"""
    return bool(user.is_authenticated if artifact is None else owner_of(artifact) == user.pk)


STATUS_PERMISSION = is_status_creator | rules.is_superuser
ARTIFACT_PERMISSION = is_artifact_creator | rules.is_superuser


def add_rules() -> None:
    """Give each permission of user tasks a rule; call it again and they are as they were.

    ``AUTHENTICATION_BACKENDS`` has to name ``"rules.permissions.ObjectPermissionBackend"``.
    """
    for model, of_owners in ((UserTaskStatus, STATUS_PERMISSION), (UserTaskArtifact, ARTIFACT_PERMISSION)):
        for action in ("view", "cancel", "change", "delete"):
            rule = of_owners if action in OF_OWNERS[model] else rules.is_superuser
            rules.set_perm(permission(action, model), rule)
