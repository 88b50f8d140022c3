"""Who had rights on the old rows: they are named, since to give rights is for people to decide."""

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import connections

_APPLICATION = "user_tasks"
_SHOWN = 5


def of_rights(alias: str) -> list[str]:
    """Say which groups and how many users have permissions for the models of the old application."""
    groups, users = _groups(alias), _users(alias)
    if not groups and not users:
        return []
    shown = ", ".join(map(repr, groups[:_SHOWN])) + (", …" if len(groups) > _SHOWN else "")
    of_groups = f"{len(groups)} groups{f' ({shown})' if groups else ''}"
    return [
        f"{of_groups} and {users} users have permissions of {_APPLICATION}. They say nothing of the rows here; give "
        "those of django_q_user_tasks to staff who shall see, cancel or delete the tasks of others. Users need none "
        "for their own."
    ]


def _groups(alias: str) -> list[str]:
    with connections[alias].cursor() as cursor:
        tables = connections[alias].introspection.table_names(cursor)
    if not apps.is_installed("django.contrib.auth") or "auth_group_permissions" not in tables:
        return []
    groups = apps.get_model("auth", "Group")._base_manager.using(alias)
    found = groups.filter(permissions__content_type__app_label=_APPLICATION).distinct()
    return sorted(found.values_list("name", flat=True))


def _users(alias: str) -> int:
    users = get_user_model()
    try:
        users._meta.get_field("user_permissions")
    except FieldDoesNotExist:
        return 0
    rows = users._base_manager.using(alias)
    return rows.filter(user_permissions__content_type__app_label=_APPLICATION).distinct().count()
