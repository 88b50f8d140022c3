"""The pages of a group and of a chain: how far it is, and who belongs to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_q.admin import display
from django_q.admin.paginator import AtLeast
from django_q.admin.sight import Sight
from django_q.admin.words import QUIET, ended_how, word_of
from django_q.kernel.states import Reason, TaskState
from django_q.models import Failure, OrmQ, Success, Task
from django_q.tasks import progress
from django_q.tasks.progress import Column, Progress

#: Members that a page lists.
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Member:
    """A line of the list of members."""

    link: SafeString | str
    func: str
    state: SafeString
    since: datetime | None
    note: str


def group(request: HttpRequest, site: AdminSite, name: str) -> HttpResponse:
    """Show a group."""
    titles = {"title": _("Group %(name)s") % {"name": name}, "missing": _("No task is in the group %(name)s.")}
    return _members(Sight(site, request), "group", name, **titles)


def chain(request: HttpRequest, site: AdminSite, name: str) -> HttpResponse:
    """Show a chain."""
    titles = {"title": _("Chain %(name)s") % {"name": name}, "missing": _("No task is in the chain %(name)s.")}
    return _members(Sight(site, request), "chain", name, **titles)


def _members(sight: Sight, column: Column, name: str, *, title: str, missing: str) -> HttpResponse:
    sight.demand(sight.tasks)
    ends = [success for success, seen in ((True, sight.successes), (False, sight.failures)) if seen]
    found = progress.look_at(column, name, shown=SHOWN, queue=sight.queue, success=ends)
    content: dict[str, Any] = {"column": column, "missing": "" if found else missing % {"name": repr(name)}}
    if found is not None:
        content |= _content(sight, column, found)
    context = sight.page(title, **content)
    return TemplateResponse(sight.request, "admin/django_q/members.html", context, status=200 if found else 404)


def _content(sight: Sight, column: Column, found: Progress) -> dict[str, Any]:
    ended = [_ended_member(sight, row) for row in found.ended_rows]
    queued = [_queued_member(sight, row) for row in found.waiting_rows]
    # What has ended comes first where the order says something: a chain runs from top to bottom.
    members = (ended + queued if column == "chain" else queued + ended)[:SHOWN]
    return {
        "found": found,
        "ended": AtLeast(progress.MOST) if found.is_cut else found.ended,
        "counts": [(word, count) for word, count in _counts(found) if count],
        "members": members,
        "unlisted": found.total - len(members),
        "shown_reasons": progress.MOST_TOLD,
        "window": progress.WINDOW,
    }


def _counts(found: Progress) -> list[tuple[str, int]]:
    claimed = found.queued[TaskState.CLAIMED] - found.running
    return [
        (word_of(TaskState.READY), found.queued[TaskState.READY]),
        (word_of(TaskState.DEFERRED), found.queued[TaskState.DEFERRED]),
        (_("waiting for a step before"), found.queued[TaskState.WAITING]),
        (word_of(TaskState.CLAIMED), claimed),
        (_("running"), found.running),
        (_("succeeded"), found.succeeded),
        *((ended_how(reason), count) for reason, count in found.by_reason.items()),
    ]


def _queued_member(sight: Sight, row: OrmQ) -> Member:
    is_running = row.running_since is not None
    state = display.badge(_("running") if is_running else str(row.get_state_display()), "quiet")
    since = row.running_since or row.run_after or row.enqueued_at
    words = {TaskState.DEFERRED: _("due then"), TaskState.WAITING: _("enqueued then")}
    note = _("started about then") if is_running else words.get(TaskState(row.state), _("ready since then"))
    return Member(sight.link(OrmQ, row.pk, row), row.func, state, since, note)


def _ended_member(sight: Sight, row: Task) -> Member:
    took = _("ran for %(span)s") % {"span": display.span(row.time_taken())}
    if row.success:
        link = sight.link(Success, row.pk, row)
        return Member(link, row.func, display.badge(_("succeeded"), "good"), row.stopped, took)
    reason = row.reason or Reason.ERROR.value
    badge = display.badge(ended_how(reason), "quiet" if reason in QUIET else "bad")
    note = display.shortened(row.error) or took
    return Member(sight.link(Failure, row.pk, row), row.func, badge, row.stopped, note)
