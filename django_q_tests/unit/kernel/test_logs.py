import logging

import pytest

from django_q.kernel.logs import OURS, THEIRS, serve_old_logger


class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append((record.name, record.levelname, record.getMessage()))


@pytest.fixture
def loggers():
    """Both loggers, as they are before a project configures them."""
    ours, theirs = logging.getLogger(OURS), logging.getLogger(THEIRS)
    before = [(log, log.handlers, log.level, log.propagate) for log in (ours, theirs)]
    for log in (ours, theirs):
        log.handlers, log.level, log.propagate = [], logging.NOTSET, True
    yield ours, theirs
    for log, handlers, level, propagate in before:
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)


def test_a_logger_of_django_q_that_is_configured_receives_our_records(loggers):
    kept = Kept()
    loggers[1].addHandler(kept)
    loggers[1].setLevel("WARNING")

    serve_old_logger()
    serve_old_logger()
    logging.getLogger("django_q.cluster").warning("it %s", "works")
    logging.getLogger("django_q.cluster").info("not asked for")

    assert kept.records == [("django_q.cluster", "WARNING", "it works")]


def test_ours_is_left_alone_when_it_is_configured_itself(loggers):
    ours, theirs = Kept(), Kept()
    loggers[0].addHandler(ours)
    loggers[1].addHandler(theirs)

    serve_old_logger()
    loggers[0].warning("here")

    assert (len(ours.records), theirs.records) == (1, [])


def test_without_either_nothing_changes(loggers):
    serve_old_logger()

    assert loggers[0].handlers == []
    assert loggers[0].propagate
