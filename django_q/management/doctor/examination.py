"""The order of the questions: what would make the next ones pointless is asked first."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from django.db import Error

from django_q import conf
from django_q.management.doctor import clusters, database, machine, project, rights, work
from django_q.management.doctor.finding import Finding, Level, error, flat
from django_q.tasks.overview import overview

_UNSEEN = "nothing further was looked at"


def examine() -> Iterator[Finding]:
    """Yield what is found as soon as it is found; nothing is changed."""
    found = list(project.findings())
    if conf.problems():
        yield from _at_the_end(found)
        return
    yield from found
    yield from machine.findings()
    alias = conf.current().orm
    found = list(database.reached(alias))
    if _is_bad(found):
        yield from _at_the_end(found)
        return
    yield from found
    try:
        with database.impatience(alias):
            yield from _in_the_database(alias)
    except Error as failure:
        yield error("database", f"it cannot be read: {flat(failure)} ({_UNSEEN})", "see whether its server is well")


def _in_the_database(alias: str) -> Iterator[Finding]:
    found = list(database.migrated(alias))
    if _is_bad(found):
        yield from _at_the_end(found)
        return
    yield from found
    yield from rights.findings(alias)
    yield from database.clock_of(alias)
    seen = overview()
    yield from clusters.findings(seen)
    yield from work.findings(seen)


def _is_bad(found: Iterable[Finding]) -> bool:
    return any(finding.level is Level.ERROR for finding in found)


def _at_the_end(found: Iterable[Finding]) -> Iterator[Finding]:
    """Let the last finding say that it is the last because of what was found."""
    *before, last = found
    yield from before
    yield replace(last, seen=f"{last.seen} ({_UNSEEN})")
