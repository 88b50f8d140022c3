"""The table that is printed: one line for each figure, one column for each database."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]

# Figure, what the table calls it, how it is written, and its target: at least (>) or at most (<) so much.
_LINES: tuple[tuple[str, str, str, str, Mapping[str, float]], ...] = (
    ("drained_per_s", "drained, tasks/s", ",.0f", ">", {"sqlite": 5000, "sqlite-wal": 5000, "postgres": 5000}),
    ("drained_from_start_per_s", "drained from the start of the process, tasks/s", ",.0f", "", {}),
    ("statements_per_task", "statements per task", ".3f", "<", {"": 0.2}),
    ("cpu_us_per_task", "CPU of the cluster per task, µs", ".0f", "", {}),
    ("cpu_us_per_task_by_role.sentinel", "  sentinel", ".0f", "", {}),
    ("cpu_us_per_task_by_role.pusher", "  pusher", ".0f", "", {}),
    ("cpu_us_per_task_by_role.worker", "  workers", ".0f", "", {}),
    ("cpu_us_per_task_by_role.monitor", "  monitor", ".0f", "", {}),
    ("cpu_us_per_task_by_role.keeper", "  keeper", ".0f", "", {}),
    ("server_cpu_us_per_task", "CPU of the server per task, µs (PostgreSQL)", ".0f", "", {}),
    ("waited_us_per_task", "waiting for a CPU per task, without workers, µs", ".0f", "", {}),
    ("load", "load of the machine meanwhile", ".1f", "", {}),
    ("latency_p50_ms", "idle latency to the first line, p50, ms", ".1f", "<", {"": 8}),
    ("latency_p95_ms", "  p95", ".1f", "", {}),
    ("latency_p99_ms", "  p99", ".1f", "", {}),
    ("idle_queries_per_s", "idle, queries per second", ".2f", "<", {"": 2}),
    ("idle_cpu_s_per_20_s", "idle, CPU seconds of the cluster per 20 s", ".3f", "", {}),
    ("memory_pss_mib", "memory of the cluster (PSS), MiB", ".1f", "", {}),
    ("start_to_first_line_s", "start of the process to the first line of a task, s", ".2f", "", {}),
    ("stop_s", "stop of an idle cluster, s", ".2f", "", {}),
    ("enqueue_autocommit_per_s", "async_task() one by one, calls/s", ",.0f", "", {}),
    ("enqueue_in_one_transaction_per_s", "async_task() in one transaction, calls/s", ",.0f", "", {}),
    ("enqueue_in_one_transaction_cpu_us", "  CPU per call, µs", ".0f", "", {}),
    ("enqueue_in_one_transaction_statements", "  statements per call", ".2f", "", {}),
)


def figure(record: Record, name: str) -> float | None:
    """Return a figure of one run; a dot leads into a figure that has parts."""
    value: Any = record["figures"]
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, (int, float)) else None


def median(records: Sequence[Record], name: str) -> float | None:
    """Return the median of a figure, None if it was not measured."""
    found = [value for record in records if (value := figure(record, name)) is not None]
    return statistics.median(found) if found else None


def render(results: Mapping[str, Sequence[Record]]) -> str:
    """Return the table: medians, and the lowest and highest value where there was more than one run."""
    lines = [f"{'':<52}" + "".join(f"{variant:>26}" for variant in results)]
    lines += [f"{label:<52}" + "".join(f"{cell:>26}" for cell in cells) for label, cells in rows(results)]
    return "\n".join(lines)


def rows(results: Mapping[str, Sequence[Record]]) -> list[tuple[str, list[str]]]:
    """Return each figure that was measured, with a cell for each database."""
    found = []
    for name, label, form, sense, targets in _LINES:
        cells = [_cell(records, name, form, sense, _target(targets, variant)) for variant, records in results.items()]
        if any(cells):
            found.append((label, cells))
    return found


def missed(results: Mapping[str, Sequence[Record]]) -> list[str]:
    """Return a sentence for each target that the medians miss."""
    found = []
    for variant, records in results.items():
        for name, label, form, sense, targets in _LINES:
            target, value = _target(targets, variant), median(records, name)
            if target is not None and value is not None and not _meets(value, sense, target):
                found.append(f"{variant}: {label.strip()}: {value:{form}}, the target is {sense} {target:{form}}")
    return found


def _cell(records: Sequence[Record], name: str, form: str, sense: str, target: float | None) -> str:
    middle = median(records, name)
    if middle is None:
        return ""
    found = [value for record in records if (value := figure(record, name)) is not None]
    spread = f" ({min(found):{form}}..{max(found):{form}})" if len(found) > 1 else ""
    mark = "" if target is None or _meets(middle, sense, target) else "! "
    return f"{mark}{middle:{form}}{spread}"


def _target(targets: Mapping[str, float], variant: str) -> float | None:
    return targets.get(variant, targets.get(""))


def _meets(value: float, sense: str, target: float) -> bool:
    return value >= target if sense == ">" else value <= target
