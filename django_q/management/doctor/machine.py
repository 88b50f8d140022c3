"""What this machine offers: processes, directories, a cache."""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.core.cache import caches
from django.core.cache.backends.base import InvalidCacheBackendError
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache

from django_q import conf
from django_q.brokers import current_broker, doorbell
from django_q.cluster.cluster import require_a_system_that_can_run_clusters
from django_q.exceptions import ClusterError, InvalidSettings
from django_q.management.doctor.finding import Finding, error, flat, warning, well

_LONGEST_PATH = 107 - 30  # what the name of a Unix socket may have, less what we append to its directory


def findings() -> Iterator[Finding]:
    """Yield what can be said without a database."""
    yield from _processes()
    yield from _temporary()
    yield from _doorbell()
    yield from _cache()
    yield from _broker()


def _processes() -> Iterator[Finding]:
    method = conf.current().start_method
    try:
        require_a_system_that_can_run_clusters()
    except ClusterError as failure:
        yield warning("processes", flat(failure).rstrip("."), "run the clusters on another machine")
        return
    known = multiprocessing.get_all_start_methods()
    if method not in known:
        names = ", ".join(map(repr, known))
        yield error(
            "processes",
            f"this system has no start method {method!r}",
            f"let Q_CLUSTER['start_method'] be one of {names}",
        )
    elif method == "fork" and sys.platform == "darwin":
        seen = "processes start by fork, which libraries of macOS do not survive"
        yield warning("processes", seen, "leave Q_CLUSTER['start_method'] out")
    else:
        python = ".".join(map(str, sys.version_info[:3]))
        yield well("processes", f"a cluster would start {conf.current().workers} workers by {method}, Python {python}")


def _temporary() -> Iterator[Finding]:
    try:
        place = tempfile.gettempdir()
    except FileNotFoundError as failure:
        yield error("temporary", flat(failure), "let TMPDIR name a directory that this user may write to")
        return
    if os.access(place, os.W_OK | os.X_OK):
        yield well("temporary", f"{place} is writable")
    else:
        yield error("temporary", f"{place} is not writable", "let TMPDIR name a directory that this user may write to")


def _doorbell() -> Iterator[Finding]:
    root = doorbell.root()
    if root is None:
        yield well("doorbell", "off: clusters find new tasks by polling, and by what their database offers")
        return
    complaint = _complaint_about(root)
    if complaint:
        seen = f"{root} {complaint}, so that clusters on this host find new tasks by polling"
        yield warning("doorbell", seen, "let Q_CLUSTER['doorbell'] name a directory of this user with mode 700")
    else:
        yield well("doorbell", f"{root} wakes the clusters on this host")


def _complaint_about(root: Path) -> str:
    """Say what is wrong with the directory of the bells, or nothing; one that is missing is made when it is needed."""
    if len(os.fsencode(root)) > _LONGEST_PATH:
        return f"is longer than {_LONGEST_PATH} characters"
    if not os.path.lexists(root):
        parent = next(each for each in root.parents if each.exists())
        return "" if os.access(parent, os.W_OK | os.X_OK) else "cannot be made"
    return "" if doorbell.is_private(root) else "is not a directory that only this user can open"


def _cache() -> Iterator[Finding]:
    settings = conf.current()
    if settings.cached in (None, False):
        return
    try:
        cache = caches[settings.cache]
    except InvalidCacheBackendError as failure:
        yield error("cache", flat(failure), "let Q_CLUSTER['cache'] name a key of CACHES")
        return
    if isinstance(cache, (LocMemCache, DummyCache)):
        seen = f"'cached' is set, and the cache {settings.cache!r} ({type(cache).__name__}) is not shared by processes"
        yield warning("cache", seen, "let Q_CLUSTER['cache'] name one that is, or leave 'cached' out")
        return
    try:
        cache.get("django_q.qcheck")
    except Exception as failure:  # noqa: BLE001 - whatever the user's cache raises
        seen = f"the cache {settings.cache!r} of 'cached' does not answer: {type(failure).__name__}: {flat(failure)}"
        yield error("cache", seen, f"start its server, or mend CACHES[{settings.cache!r}]")
    else:
        yield well("cache", f"results go to the cache {settings.cache!r}, which answers")


def _broker() -> Iterator[Finding]:
    path = conf.current().broker_class
    if path is None:
        return
    try:
        current_broker()
    except InvalidSettings as failure:
        yield error("broker", flat(failure), "mend Q_CLUSTER['broker_class'], or leave it out for the database")
    else:
        yield well("broker", f"tasks are handed out by {path}")
