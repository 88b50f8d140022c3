"""Who may watch what."""

from typing import Any

from django_q.contrib.publish import options, runs
from django_q.contrib.publish.decorator import group_of


def may_watch(user: Any, stream: str, run: int = 0) -> bool:
    """Tell whether somebody may watch a stream, or a certain run of it; this may ask the database.

    Everybody may whose group is named in ``PUBLISH["anyone"]``. Else ``PUBLISH["access"]`` decides, and where there is
    none :func:`owner_or_staff`.
    """
    if group_of(stream) in options.option("anyone"):
        return True
    rule = options.access() or owner_or_staff
    return all(rule(user, stream, owner) for owner in runs.owners(stream, run))


def owner_or_staff(user: Any, stream: str, owner: str | None) -> bool:
    """Tell whether somebody is logged in and, where a stream belongs to a user, is that user or of the staff."""
    if user is None or not user.is_authenticated:
        return False
    return owner is None or owner == str(user.pk) or bool(user.is_staff)


def hint(stream: str) -> str:
    """Return what a developer may do about a refusal."""
    return (
        f"PUBLISH['anyone'] = [{group_of(stream)!r}] in the settings opens this group to everybody, PUBLISH['access'] "
        "names a function that decides. Else it takes a login, and a task that has an owner is for him and the staff."
    )
