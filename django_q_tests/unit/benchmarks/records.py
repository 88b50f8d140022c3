"""Records as the benchmarks write them, with the figures of nobody."""

from typing import Any


def ours(variant: str = "postgres", repetition: int = 1, **figures: Any) -> dict[str, Any]:
    return {
        "system": "ours",
        "variant": variant,
        "repetition": repetition,
        "tasks": 100,
        "versions": {"python": "3.11.7", "django": "5.2", "django_q": "1.0"},
        "database": {"vendor": "postgresql", "server_version": "15.1", "fsync": "on"},
        "settings": {"workers": 2, "Q_CLUSTER": {}},
        "figures": figures,
        "samples": {"latency_ms": [1.0, 2.0, 3.0]},
    }


def theirs(name: str = "huey", variant: str = "postgres", repetition: int = 1, **figures: Any) -> dict[str, Any]:
    return {
        "system": name,
        "variant": variant,
        "title": name.title(),
        "place": "file",
        "remarks": ["It does less."],
        "repetition": repetition,
        "tasks": 100,
        "versions": {"python": "3.11.7", name: "3.5"},
        "settings": {"workers": 2},
        "figures": figures,
        "samples": {"latency_ms": [10.0, 20.0, 30.0]},
    }


def document(*records: dict[str, Any]) -> dict[str, Any]:
    return {
        "made_at": "2026-11-22T04:00:00+00:00",
        "machine": {
            "system": "Linux",
            "release": "6.1",
            "processors": 2,
            "processor": "Some CPU",
            "memory_gib": 8.0,
            "load": 0.1,
        },
        "options": {
            "tasks": 100, "workers": 2, "repeat": 1, "latencies": 3, "idle": 1.0, "limit": 60, "backlogs": [],
        },
        "records": list(records),
    }  # fmt: skip
