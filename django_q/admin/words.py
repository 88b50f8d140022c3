"""States and ends in the viewer's language, as the pages that are about several models say them."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy

from django_q.kernel.states import Reason, TaskState
from django_q.models.labels import STATES
from django_q.tasks.clusters import ClusterView

#: Ends that somebody wanted.
QUIET = (Reason.CANCELED.value, Reason.STOPPED.value)
#: What a cluster is that lives no more.
ENDED = pgettext_lazy("state of a cluster", "ended")


def word_of(state: TaskState) -> str:
    """Return the word for a state of the queue."""
    return str(dict(STATES)[state.value])


def state_of(view: ClusterView) -> str:
    """Return what a cluster says that it does."""
    words = {
        "starting": pgettext("state of a cluster", "starting"),
        "idle": pgettext("state of a cluster", "idle"),
        "working": pgettext("state of a cluster", "working"),
        "stopping": pgettext("state of a cluster", "stopping"),
    }
    return words.get(view.state, view.state)


def ended_how(reason: str) -> str:
    """Return how a task ended that did not succeed."""
    words = {
        Reason.ERROR.value: _("failed with an error"),
        Reason.TIMEOUT.value: _("timed out"),
        Reason.LOST.value: _("lost with its worker"),
        Reason.CANCELED.value: _("canceled"),
        Reason.STOPPED.value: _("stopped with its cluster"),
    }
    return words[reason]
