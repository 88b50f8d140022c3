"""The file that a run writes: on what machine, with what options, and every record with its single samples."""

import argparse
import json
import os
import platform
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

_OPTIONS = ("tasks", "workers", "repeat", "latencies", "idle", "limit", "backlogs")


def document(records: list[dict[str, Any]], options: argparse.Namespace, *, on: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is written: ``on`` is the machine as it was before anything was measured."""
    return {
        "made_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": on,
        "options": {name: getattr(options, name) for name in _OPTIONS},
        "records": records,
    }


def text(made: Mapping[str, Any]) -> str:
    """Return the document with a line for each record, so that two of them can be compared."""
    head = {name: value for name, value in made.items() if name != "records"}
    lines = ",\n  ".join(json.dumps(record, ensure_ascii=False) for record in made["records"])
    return f'{json.dumps(head, indent=1, ensure_ascii=False)[:-2]},\n "records": [\n  {lines}\n ]\n}}\n'


def without_samples(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as it is printed: the single samples would be longer than all the rest."""
    return {name: value for name, value in record.items() if name != "samples"}


def machine() -> dict[str, Any]:
    """Say on what this ran."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "processors": os.cpu_count(),
        "processor": _first("/proc/cpuinfo", "model name"),
        "memory_gib": round(int(_first("/proc/meminfo", "MemTotal").split()[0] or 0) / 1024**2, 1),
        "load": os.getloadavg()[0],
    }


def _first(file: str, name: str) -> str:
    """Return what a file of /proc says under a name."""
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "0")
