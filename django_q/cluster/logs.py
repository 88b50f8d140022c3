"""Where the records of a cluster go when the project does not say."""

import json
import logging
from datetime import datetime, timezone

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message and whatever the record carries in ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        entry.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=repr)


def configure(level: str, *, as_json: bool) -> None:
    """Give the logger ``django_q`` a handler on standard error, unless the project configured one."""
    log = logging.getLogger("django_q")
    if log.handlers:
        return
    handler = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s [Q] %(levelname)s %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if as_json else plain)
    log.addHandler(handler)
    log.setLevel(level)
    log.propagate = False
