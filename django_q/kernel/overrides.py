"""Settings that a command gives to its own process and to those that it starts: they travel in the environment."""

import json
import os
from typing import Any

_NAME = "Q_CLUSTER_OVERRIDES"


def read() -> dict[str, Any]:
    """Return what was given: it wins over what the project says."""
    return dict(json.loads(os.environ.get(_NAME) or "{}"))


def write(**values: Any) -> None:
    """Give more; the children read it, those that begin with an empty interpreter too."""
    os.environ[_NAME] = json.dumps({**read(), **values})
