"""Delete what is old, a part of the table at a time."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from django_q import conf
from django_q.contrib.user_tasks import options, states
from django_q.contrib.user_tasks.models import UserTaskStatus
from django_q.exceptions import InvalidValue

_AT_ONCE = 500  # trees


def purge(older_than: timedelta | None = None, *, dry_run: bool = False) -> int:
    """Delete tasks that were created longer ago than this, with all they made, and return how many rows; with
    ``dry_run`` only count them.

    Those that have not ended are kept, and so is a chain or an iteration with all its tasks while one of them has not.
    None stands for ``USER_TASKS_MAX_AGE``.
    """
    age = options.max_age() if older_than is None else older_than
    if not isinstance(age, timedelta) or age < timedelta(0):
        raise InvalidValue(f"older_than={older_than!r} cannot be used; it is a timedelta, for example of 30 days.")
    return sum(_delete(ids) if not dry_run else len(ids) for ids in _batches(age))


def _batches(age: timedelta) -> Iterator[list[int]]:
    """Yield the ids of whole trees that may go."""
    rows = UserTaskStatus.objects.using(conf.current().orm)
    old = rows.filter(parent=None, created__lt=timezone.now() - age, state__in=states.FINAL)
    after = 0
    while roots := list(old.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        after = roots[-1]
        yield _ended_trees(roots)


def _ended_trees(roots: list[int]) -> list[int]:
    """Return the ids of these rows and of all below them, without the trees in which something has not ended."""
    rows = UserTaskStatus.objects.using(conf.current().orm)
    root_of = {root: root for root in roots}
    level, unended = roots, set()
    while level:
        below = rows.filter(parent__in=level).values_list("pk", "parent_id", "state")
        level = []
        for pk, parent, state in below:
            level.append(pk)
            root_of[pk] = root_of[parent]
            if state not in states.FINAL:
                unended.add(root_of[parent])
    return [pk for pk, root in root_of.items() if root not in unended]


def _delete(ids: list[int]) -> int:
    """Delete rows, and the files of their artifacts when that is committed; return how many rows there were."""
    alias = conf.current().orm
    with transaction.atomic(using=alias):
        _, by_model = UserTaskStatus.objects.using(alias).filter(pk__in=ids).delete()
    return by_model.get(UserTaskStatus._meta.label, 0)
