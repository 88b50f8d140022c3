"""The settings of a test run, on their way to the processes that it starts."""

import os
import pickle
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from django.conf import global_settings, settings
from django.db import connections

#: Names, in the environment of those processes, the file that :func:`write` made.
VARIABLE = "DJANGO_Q_TESTING_SETTINGS"


def write(path: Path, **replaced: Any) -> None:
    """Write down what the test run has changed in the settings, databases included, for :func:`read`.

    A value that cannot be pickled is left out: the processes then have that of the settings module.
    """
    module = import_module(settings.SETTINGS_MODULE) if settings.SETTINGS_MODULE else global_settings
    # The test runner gives databases their names in place, where no comparison would find them.
    changed = {"DATABASES": {alias: dict(database) for alias, database in connections.settings.items()}}
    changed |= {name: value for name, value in _current().items() if _is_changed(name, value, module)}
    changed |= replaced
    pickles = {name: blob for name, value in changed.items() if (blob := _pickled(value)) is not None}
    path.write_bytes(pickle.dumps({"module": settings.SETTINGS_MODULE, "values": pickles}))


def read() -> dict[str, Any]:
    """Return the settings of the test run; nothing where no test run started this process."""
    path = os.environ.get(VARIABLE)
    if not path:
        return {}
    written = pickle.loads(Path(path).read_bytes())
    names = import_module(written["module"]).__dict__ if written["module"] else {}
    values = {name: value for name, value in names.items() if name.isupper()}
    return values | {name: pickle.loads(blob) for name, blob in written["values"].items()}


def _current() -> dict[str, Any]:
    """Return the settings as they stand. Not by getattr(), which warns of settings that nobody has used."""
    layers, layer = [], vars(settings)["_wrapped"]
    while layer is not None:
        layers.append(vars(layer))
        layer = layers[-1].get("default_settings")
    return {name: value for layer in reversed(layers) for name, value in layer.items() if name.isupper()}


def _is_changed(name: str, value: Any, module: ModuleType) -> bool:
    if name in ("DATABASES", "SETTINGS_MODULE"):
        return False
    missing = object()
    written = getattr(module, name, getattr(global_settings, name, missing))
    return value is not written and (written is missing or value != written)


def _pickled(value: Any) -> bytes | None:
    try:
        return pickle.dumps(value)
    except (pickle.PicklingError, TypeError, AttributeError):  # what pickle says of locks, lambdas, open files
        return None
