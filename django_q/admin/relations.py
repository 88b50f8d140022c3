"""What rows refer to, looked up for a whole page at once."""

from collections.abc import Iterable

from django.utils.safestring import SafeString

from django_q.admin import display
from django_q.models import Incarnation, Task


def ended_links(ids: Iterable[str], *, alias: str, site: str) -> dict[str, SafeString]:
    """Return links to those of the tasks that are in the history, in one query."""
    wanted = set(ids)
    if not wanted:
        return {}
    found = Task.objects.using(alias).filter(pk__in=wanted).order_by().values_list("pk", "name", "success")
    return {pk: display.link(site, "success" if success else "failure", pk, name or pk) for pk, name, success in found}


def holders(ids: Iterable[str | None], *, alias: str, site: str) -> dict[str, SafeString]:
    """Return links to the clusters with these ids, in one query."""
    wanted = {id for id in ids if id}
    if not wanted:
        return {}
    found = Incarnation.objects.using(alias).filter(pk__in=wanted).order_by().only("name", "host", "pid")
    return {row.pk: display.link(site, "incarnation", row.pk, row) for row in found}
