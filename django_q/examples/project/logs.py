"""Log lines that fit on a screen."""

import copy
import logging


class OneLine(logging.Formatter):
    """Leaves tracebacks out: the admin shows them, and the load of the demonstration makes many."""

    def format(self, record: logging.LogRecord) -> str:
        short = copy.copy(record)
        short.exc_info = short.exc_text = None
        return super().format(short)
