"""What the benchmarks have measured, as reStructuredText: every figure is read from a file that they wrote.

No Sphinx in here, so that the tests can ask the same functions.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from declared import table

from django_q_tests.benchmarks import comparison
from django_q_tests.benchmarks import table as figures

FOLDER = Path(__file__).resolve().parent.parent / "performance"
# What the databases call what they are asked, in words.
CONDITIONS = {
    "server_version": "PostgreSQL",
    "version()": "version",
    "sqlite_version()": "SQLite",
    "fsync": "fsync",
    "synchronous_commit": "synchronous_commit",
    "journal_mode": "journal_mode",
    "synchronous": "synchronous",
    "@@innodb_flush_log_at_trx_commit": "innodb_flush_log_at_trx_commit",
    "@@sync_binlog": "sync_binlog",
}
Document = Mapping[str, Any]


def of_document(writer: Callable[[Document], Iterable[str]]) -> Callable[[list[str]], Iterable[str]]:
    """Return a writer for the files that a page names."""

    def write(names: list[str]) -> Iterator[str]:
        for name in names:
            yield from writer(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))

    return write


def conditions_text(document: Document) -> Iterator[str]:
    """Say where, when and with what all figures of a file were made."""
    machine, options = document["machine"], document["options"]
    yield from table(
        ("", ""),
        [
            ("Made", document["made_at"].partition("T")[0]),
            ("Machine", f"{machine['processors']} × {machine['processor']}, {machine['memory_gib']} GiB"),
            ("System", f"{machine['system']} {machine['release']}"),
            ("Load before it began", f"{machine['load']:.1f}"),
            ("Work", f"{number(options['tasks'])} no-op tasks with two small arguments, {options['workers']} workers"),
            ("Latency", f"{options['latencies']} samples at most, each enqueued while nothing else waits"),
            ("Repetitions", f"{options['repeat']}: medians, and the lowest and highest in brackets"),
        ],
    )


def ours_text(document: Document) -> Iterator[str]:
    """Write our own figures, a column for each database, with what they ran on below."""
    found = comparison.ours(document["records"])
    yield from table(
        ("", *(comparison.DATABASES[variant] for variant in found)),
        [(label.strip(), *(cell.removeprefix("! ") or "–" for cell in cells)) for label, cells in figures.rows(found)],
    )
    for variant, records in found.items():
        yield f"* {comparison.DATABASES[variant]}: {versions(records[0])}; {database(records[0])};"
        yield f"  {settings(records[0])}."
    yield ""


def peers_text(document: Document) -> Iterator[str]:
    """Write a table for each database of ours: ours in the first line, the packages beside it below."""
    records = document["records"]
    for variant, own in comparison.ours(records).items():
        beside = {name: each for name, each in comparison.theirs(records).items() if each[0]["variant"] == variant}
        if not beside:
            continue
        yield f".. rubric:: Beside ours on {comparison.DATABASES[variant]}"
        yield ""
        rows = [(f"**django_q on {comparison.DATABASES[variant]}**", *(_own(own, each) for each in comparison.COLUMNS))]
        rows += [(each[0]["title"], *map(_theirs, comparison.cells(records, name))) for name, each in beside.items()]
        yield from table(("", *(column.title for column in comparison.COLUMNS)), rows)
        yield from _footnote(beside.values())


def settings_text(document: Document) -> Iterator[str]:
    """Say of each package its version, its settings, and what one has to know beside its figures."""
    for records in comparison.theirs(document["records"]).values():
        yield f"**{records[0]['title']}**: {versions(records[0])}."
        yield " ".join(records[0]["remarks"])
        yield f"Settings: {settings(records[0])}."
        yield ""


def backlogs_text(document: Document) -> Iterator[str]:
    """Write the rates by the number of tasks that wait."""
    found: dict[str, dict[int, float]] = {}
    for record in document["records"]:
        name = record.get("title", f"**django_q on {comparison.DATABASES[record['variant']]}**")
        same = [each for each in document["records"] if _same(each, record)]
        found[name] = comparison.by_backlog(same)
    columns = sorted({backlog for rates in found.values() for backlog in rates})
    rows = [
        (name, *(number(round(rates[backlog])) if backlog in rates else "–" for backlog in columns))
        for name, rates in found.items()
        if rates
    ]
    yield from table(("Drained, tasks/s, of so many that wait", *map(number, columns)), rows)


def versions(record: Mapping[str, Any]) -> str:
    """Name the versions with which a record was made."""
    names = {"python": "Python", "django": "Django"}
    return ", ".join(f"{names.get(name, name)} {version}" for name, version in record["versions"].items())


def database(record: Mapping[str, Any]) -> str:
    """Say on which server, with which durability, a record of ours was made."""
    asked = {CONDITIONS[name]: value for name, value in record["database"].items() if name in CONDITIONS}
    return ", ".join(f"{name} {value}" for name, value in asked.items())


def settings(record: Mapping[str, Any]) -> str:
    """Write settings as one would copy them."""
    return f"``{json.dumps(record['settings'])}``"


def number(value: int) -> str:
    """Write a number with a space between thousands."""
    return f"{value:,}".replace(",", " ")


def _own(records: Sequence[Mapping[str, Any]], column: comparison.Column) -> str:
    middle = figures.median(records, column.name)
    return f"**{middle:{column.form}}**" if middle else "–"


def _theirs(cell: comparison.Cell | None) -> str:
    return "–" if cell is None else str(cell).replace("*", r"\*")


def _footnote(found: Iterable[Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    if any(record["figures"].get("cut") for records in found for record in records):
        yield r"\* The time limit ended it; the rate is over what had ended by then."
        yield ""


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one[key] == other[key] for key in ("system", "variant")) and "error" not in one


DIRECTIVES = {
    "q-measured-conditions": of_document(conditions_text),
    "q-measured-ours": of_document(ours_text),
    "q-measured-peers": of_document(peers_text),
    "q-measured-settings": of_document(settings_text),
    "q-measured-backlogs": of_document(backlogs_text),
}
