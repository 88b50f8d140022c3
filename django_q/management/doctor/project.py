"""What the settings say: the system checks of django_q, one finding each."""

from collections.abc import Iterator

from django.core import checks

from django_q.kernel.distributions import PACKAGE
from django_q.management.doctor.finding import Finding, error, flat, warning, well


def findings() -> Iterator[Finding]:
    """Yield the messages of the system checks, or that there are none."""
    messages = [
        each for each in checks.run_checks(tags=[PACKAGE]) if each.level >= checks.ERROR or not each.is_silenced()
    ]
    for message in messages:
        make = error if message.level >= checks.ERROR else warning
        yield make(message.id or "settings", flat(message.msg).rstrip("."), flat(message.hint or "see the message"))
    if not messages:
        yield well("settings", "the system checks have no issue")
