"""The words for what columns hold as numbers or keys, in the language of whoever looks; nothing stores them."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_q.kernel.recurrence import POLICIES
from django_q.kernel.states import Reason, TaskKind, TaskState

_KINDS = {TaskKind.TASK: _("task"), TaskKind.HOOK: _("hook"), TaskKind.GATHER: _("gather")}
_STATES = {
    TaskState.DEFERRED: pgettext_lazy("state of a task", "deferred"),
    TaskState.WAITING: pgettext_lazy("state of a task", "waiting"),
    TaskState.READY: pgettext_lazy("state of a task", "ready"),
    TaskState.CLAIMED: pgettext_lazy("state of a task", "claimed"),
}
_REASONS = {
    Reason.ERROR: pgettext_lazy("end of a task", "error"),
    Reason.TIMEOUT: pgettext_lazy("end of a task", "timeout"),
    Reason.LOST: pgettext_lazy("end of a task", "lost"),
    Reason.CANCELED: pgettext_lazy("end of a task", "canceled"),
    Reason.STOPPED: pgettext_lazy("end of a task", "stopped"),
}
_POLICIES = {
    "skip": pgettext_lazy("missed runs", "skip"),
    "one": pgettext_lazy("missed runs", "one"),
    "all": pgettext_lazy("missed runs", "all"),
}

# As choices of a field: what is stored, and its word.
KINDS = [(kind.value, _KINDS[kind]) for kind in TaskKind]
STATES = [(state.value, _STATES[state]) for state in TaskState]
REASONS = [(reason.value, _REASONS[reason]) for reason in Reason]
MISSED_RUNS = [(policy, _POLICIES[policy]) for policy in POLICIES]
