"""The logger of Django Q, for projects that configured it."""

import logging

#: Our logger, and what Django Q's is called.
OURS, THEIRS = "django_q", "django-q"


class Forwarder(logging.Handler):
    """Hands records on to another logger, as if they were its own."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.target = logging.getLogger(name)

    def emit(self, record: logging.LogRecord) -> None:
        if self.target.isEnabledFor(record.levelno):
            self.target.handle(record)


def serve_old_logger() -> None:
    """Let a logger ``django-q`` that the project configured receive our records, unless ours is configured too."""
    ours, theirs = logging.getLogger(OURS), logging.getLogger(THEIRS)
    if theirs.handlers and not ours.handlers:
        ours.addHandler(Forwarder(THEIRS))
        ours.setLevel(theirs.level)
        ours.propagate = False  # it propagates, or does not, from there
