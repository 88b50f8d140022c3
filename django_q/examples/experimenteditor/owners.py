"""What the owner of an experiment is told, by notification and by mail, in his language and with his times."""

from datetime import datetime
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext

from django_q.examples.experimenteditor import notify
from django_q.examples.experimenteditor.models import Experiment, RunResult
from django_q.examples.experimenteditor.words import exact, humanize, words_for


def tell(
    run: RunResult, verb: str, *, description: str = "", places: dict[str, Any] | None = None, **more: Any
) -> None:
    """Notify the owner of a run. Verb and description are looked up in his language; moments become local times."""
    experiment, owner = run.experiment, run.experiment.created_by
    with words_for(owner):
        said = {name: exact(value) if isinstance(value, datetime) else value for name, value in (places or {}).items()}
        notify.send(
            experiment,
            recipient=owner,
            verb=(gettext(verb) % said).strip(),
            action_object=run,
            description=gettext(description) % said if description else "",
            **more,
        )


def mail(experiment: Experiment, subject: str, body: str, *, key: str, **places: Any) -> str:
    """Send a mail to the owner; subject and body are format strings, looked up in his language.

    ``key`` says which mail it is. The same key makes the same Message-ID, by which most mailboxes and many servers
    recognise a mail that comes twice, see :func:`~django_q.examples.experimenteditor.tasks.send_complete_mail`.
    """
    owner = experiment.created_by
    if not owner.email:
        return f"{owner} has no address: no mail."
    with words_for(owner):
        # A title may hold a line break, a subject must not.
        headline = " ".join(gettext(subject).format(title=experiment.experiment_title).split())
        text = gettext(body).format(title=experiment.experiment_title, **_said(places))
    EmailMessage(headline, text, None, [owner.email], headers={"Message-ID": _message_id(key)}).send()
    return f"Mail to {owner.email}."


def _said(places: dict[str, Any]) -> dict[str, str]:
    """Return the moments among the places twice: exact, and as people say them."""
    moments = {name: value for name, value in places.items() if isinstance(value, datetime)}
    said = {name: exact(value) if name in moments else str(value) for name, value in places.items()}
    return said | {f"{name}_humanized": humanize(value) for name, value in moments.items()}


def _message_id(key: str) -> str:
    # Another site with the same sender has another secret key.
    left = salted_hmac("django_q.examples.experimenteditor.mail", key, algorithm="sha256").hexdigest()[:32]
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{left}@{domain}>"
