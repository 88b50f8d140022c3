"""The settings under Django Q's names."""

import logging
from unittest import mock

import pytest

from django_q import conf
from django_q.conf import Conf


@pytest.mark.parametrize(
    "name, value",
    [
        ("PREFIX", "shop"), ("CLUSTER_NAME", "shop"), ("WORKERS", 3), ("TIMEOUT", 60.0), ("SYNC", False),
        ("RECYCLE", 10_000), ("MAX_RSS", None), ("MAX_ATTEMPTS", 1), ("ACK_FAILURES", False), ("POLL", 1.0),
        ("SAVE_LIMIT", 0), ("SAVE_LIMIT_PER", None), ("COMPRESSED", True), ("CATCH_UP", True), ("SCHEDULER", True),
        ("CACHED", False), ("CACHE", "default"), ("CPU_AFFINITY", 0), ("LABEL", "Django Q"), ("LOG_LEVEL", "INFO"),
        ("ERROR_REPORTER", {}), ("TIME_ZONE", None), ("ORM", "default"), ("BROKER_CLASS", None),
        ("RETRY", 90), ("BULK", 1), ("QUEUE_LIMIT", None), ("GUARD_CYCLE", 0.5), ("REDIS", {}), ("TESTING", False),
        ("DAEMONIZE_WORKERS", True), ("SQS", None), ("STOPPED", "Stopped"), ("WORKING", "Working"),
    ],
)  # fmt: skip
def test_each_can_be_read(settings, name, value):
    settings.Q_CLUSTER = {"name": "shop", "workers": 3, "timeout": 60, "compress": True, "retry": 90}

    assert getattr(Conf, name) == value
    assert name in dir(Conf)


@pytest.mark.parametrize(
    "written, caught_up, limit, cached",
    [({"catch_up": True, "save_limit": 7, "cached": 30}, True, 7, 30), ({"catch_up": False}, False, 0, False)],
)
def test_values_are_those_that_django_q_would_say(settings, written, caught_up, limit, cached):
    settings.Q_CLUSTER = written

    assert (Conf.CATCH_UP, Conf.SAVE_LIMIT, Conf.CACHED) == (caught_up, limit, cached)


def test_mock_may_patch_one():
    with mock.patch.object(Conf, "SYNC", True):
        assert conf.current().sync is True

    assert conf.current().sync is False


def test_a_test_may_set_one_and_set_it_back(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Conf, "SYNC", True)
        assert (Conf.SYNC, conf.current().sync) == (True, True)

    assert (Conf.SYNC, conf.current().sync) == (False, False)
    assert conf._changes == {}


def test_one_that_was_set_survives_other_changes(settings, monkeypatch):
    monkeypatch.setattr(Conf, "SYNC", True)
    settings.Q_CLUSTER = {"workers": 5}

    assert (conf.current().sync, conf.current().workers) == (True, 5)


def test_one_that_was_set_back_follows_the_settings_again(settings, monkeypatch):
    monkeypatch.setattr(Conf, "SYNC", True)
    Conf.SYNC = False
    settings.Q_CLUSTER = {"sync": True}

    assert Conf.SYNC is True


def test_setting_what_changes_nothing_here_is_harmless():
    Conf.TESTING = True

    assert Conf.TESTING is False


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(AttributeError, match="no 'WORKER'. Did you mean 'WORKERS'?"):
        getattr(Conf, "WORKER")  # noqa: B009
    with pytest.raises(AttributeError, match="SYNC"):
        Conf.SYNK = True
    with pytest.raises(AttributeError, match="_codec"):
        getattr(Conf, "_codec")  # noqa: B009
    assert not hasattr(Conf, "workers")


def test_the_logger_is_there_under_its_old_name():
    assert conf.logger is logging.getLogger("django-q")
