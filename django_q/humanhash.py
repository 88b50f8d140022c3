"""Names for ids under the names of Django Q."""

from django_q.kernel import ids
from django_q.kernel.names import name_of

__all__ = ["humanize", "uuid"]


def humanize(hexdigest: str) -> str:
    """Return the four words that belong to an id."""
    return name_of(hexdigest)


def uuid() -> tuple[str, str]:
    """Return four words and the new id, 32 hexadecimal digits, that they belong to."""
    task_id = ids.new_id()
    return name_of(task_id), task_id
