"""What rows refer to, looked up for a whole page at once, or in a bounded way for one."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from django_q import conf
from django_q.admin import display
from django_q.admin.sight import Sight
from django_q.kernel.states import TaskKind
from django_q.models import Failure, Incarnation, OrmQ, Success, Task

#: Rows, the newest of the queue and of the history, among which those are looked for that were requeued.
NEWEST = 10_000
_NAMESAKES = 100  # hooks of one name that are looked at

Link = SafeString | str


def ended_links(ids: Iterable[str], *, sight: Sight) -> dict[str, Link]:
    """Return links to those of the tasks that are in the history, in one query."""
    wanted = set(ids)
    if not wanted:
        return {}
    found = Task.objects.using(conf.current().orm).filter(pk__in=wanted).order_by()
    return {row.pk: ended_link(row, sight=sight) for row in found.only("name", "success")}


def ended_link(task: Task, *, sight: Sight) -> Link:
    """Return a link to the page of a task that ended."""
    return sight.link(Success if task.success else Failure, task.pk, task)


def holders(ids: Iterable[str | None], *, sight: Sight) -> dict[str, Link]:
    """Return links to the clusters with these ids, in one query."""
    wanted = {id for id in ids if id}
    if not wanted:
        return {}
    found = Incarnation.objects.using(conf.current().orm).filter(pk__in=wanted).order_by().only("name", "host", "pid")
    return {row.pk: sight.link(Incarnation, row.pk, row) for row in found}


def page_of(sight: Sight, kind: str, name: str | None) -> Link:
    """Return a link to the page of a group or a chain."""
    if not name:
        return display.EMPTY
    url = reverse(f"admin:django_q_{kind}", args=[name], current_app=sight.site.name)
    return format_html('<a href="{}">{}</a>', url, name)


def requeued_as(task: Task, *, sight: Sight) -> list[Link]:
    """Return links to what runs this task again, as far as it is among the newest rows.

    No index leads there; but ids grow with time, so that the newest rows are a range of keys.
    """
    alias = conf.current().orm
    queued = _among_newest(OrmQ.objects.using(alias), task).only("name")
    ended = _among_newest(Task.objects.using(alias), task).only("name", "success")
    links = [sight.link(OrmQ, row.pk, row) for row in queued]
    return links + [ended_link(row, sight=sight) for row in ended]


def _among_newest(rows: Any, task: Task) -> Any:
    edge = rows.order_by("-pk").values_list("pk", flat=True)[NEWEST : NEWEST + 1]
    since = max([task.pk, *edge])
    return rows.filter(pk__gt=since, requeued_from=task.pk).order_by("pk")


def hook_of(task: Task, *, sight: Sight) -> Link:
    """Return a link to the hook of a task while it is queued, else its path."""
    if not task.hook:
        return display.EMPTY
    # A hook bears the name of its task, and names have an index.
    rows = OrmQ.objects.using(conf.current().orm).filter(name=task.name, kind=TaskKind.HOOK).order_by("-pk")
    for row in rows.only("name", "options")[:_NAMESAKES]:
        if display.options_of(row.options).get("task") == task.pk:
            return sight.link(OrmQ, row.pk, task.hook)
    return task.hook


def user_of(options: dict[str, Any], *, sight: Sight) -> Link:
    """Return who a task was enqueued for: a link to his page, his name, or the key of one who is gone."""
    key = options.get("user")
    if key is None:
        return display.EMPTY
    model = get_user_model()
    try:
        user = model._default_manager.get(pk=key)
    except (model.DoesNotExist, ValueError, ValidationError):
        return str(key)
    found = sight.site._registry.get(model)
    if found is None or not found.has_view_permission(sight.request, user):
        return str(user)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(name, args=[user.pk], current_app=sight.site.name), user)
