"""Who may see, cancel and delete the user tasks of whom; asked by the REST API and by the live pages alike."""

from typing import Any

from django.contrib.auth import get_permission_codename
from django.db.models import Model, QuerySet

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus

try:
    from rules import perm_exists as is_ruled
except ImportError:

    def is_ruled(name: Any) -> Any:
        """Has django-rules a rule for this permission? It is not installed."""
        return False


#: What owners may do with their own, and with what their tasks made, without being given any permission.
OF_OWNERS = {UserTaskStatus: frozenset({"view", "cancel", "delete"}), UserTaskArtifact: frozenset({"view"})}


def may(user: Any, action: str, row: UserTaskStatus | UserTaskArtifact) -> bool:
    """May a user do this with a row: ``view``, ``cancel``, ``change`` or ``delete``?

    Owners may do what is theirs. Staff may do with all rows what Django's permissions say, and whoever a backend with
    rules for objects says. Where django-rules has a rule of this name, that alone decides.
    """
    if not user.is_active:
        return False
    name = permission(action, type(row))
    if is_ruled(name):
        return _has(user, name, row)
    if action in OF_OWNERS[type(row)] and owner_of(row) == user.pk:
        return True
    return may_all(user, action, type(row)) or _has(user, name, row)


def may_all(user: Any, action: str, model: type[Model]) -> bool:
    """May a user do this with the rows of everybody?

    Only staff: other users may have been given these permissions so that they can use their own rows. A rule is about
    one row: where there is one, only superusers may do it with all.
    """
    if not user.is_active:
        return False
    if getattr(user, "is_superuser", False):
        return True
    name = permission(action, model)
    return bool(getattr(user, "is_staff", False) and not is_ruled(name) and _has(user, name))


def may_ask(user: Any, action: str, model: type[Model]) -> bool:
    """May a user ask for this, with whichever row? Whether he may do it with that one says :func:`may`."""
    if user is None or not user.is_authenticated or not user.is_active:
        return False
    return action in OF_OWNERS[model] or may_all(user, action, model)


def may_list(user: Any, model: type[Model]) -> bool:
    """May a user ask for a list? All who are logged in; where there is a rule, it is asked without a row."""
    name = permission("view", model)
    return may_ask(user, "view", model) and (not is_ruled(name) or _has(user, name))


def visible_to(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return those of the rows that a list shows to a user: his own, or all if he may see all."""
    if may_all(user, "view", rows.model):
        return rows
    if not user.is_active or user.pk is None:
        return rows.none()
    return rows.filter(**{"status__user" if rows.model is UserTaskArtifact else "user": user.pk})


def permission(action: str, model: type[Model]) -> str:
    """Return the name of a permission, with that of the application."""
    return f"{model._meta.app_label}.{get_permission_codename(action, model._meta)}"


def owner_of(row: UserTaskStatus | UserTaskArtifact) -> Any:
    """Return the key of the user whose task it is."""
    return row.status.user_id if isinstance(row, UserTaskArtifact) else row.user_id


def _has(user: Any, *asked: Any) -> bool:
    # A model of users need not know permissions.
    has_perm = getattr(user, "has_perm", None)
    return bool(has_perm and has_perm(*asked))
