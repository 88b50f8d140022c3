import dataclasses
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_q import conf
from django_q.exceptions import ClusterError, InvalidSettings, PayloadError
from django_q.kernel import overrides
from django_q.kernel.retry import Backoff

ROW = {"purpose": "args", "task_id": "a" * 32, "func": "shop.tasks.send"}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.delenv("Q_CLUSTER_NAME", raising=False)
    conf.reset()
    yield
    conf.reset()


def given(**values):
    return override_settings(Q_CLUSTER=values)


def test_no_settings_at_all_are_quiet_and_safe(settings):
    del settings.Q_CLUSTER

    found = conf.current()

    assert conf.problems() == []
    assert (found.name, found.queues, found.orm) == ("default", ("default",), "default")
    assert (found.max_attempts, found.max_crashes, found.pushers) == (1, 3, 1)
    assert (found.timeout, found.recycle, found.grace, found.kill_after) == (None, 10_000, 20.0, 2.0)
    assert (found.keep_successes, found.keep_failures) == (7 * 86400, 30 * 86400)
    assert (found.heartbeat, found.lease, found.strict_lease) == (2.0, 12.0, False)
    assert found.backoff == Backoff()
    assert found.workers >= 1


def test_the_settings_are_frozen_and_read_once():
    assert conf.current() is conf.current()
    with pytest.raises(dataclasses.FrozenInstanceError):
        conf.current().workers = 3


def test_changed_settings_are_read_again():
    with given(workers=3):
        assert conf.current().workers == 3
    with given(workers=4):
        assert conf.current().workers == 4


@pytest.mark.parametrize("key", ["workers", "queues", "start_method", "backoff"])
def test_none_asks_for_the_default_where_it_has_no_meaning_of_its_own(key):
    default = getattr(conf.current(), key)

    with given(**{key: None}):
        assert getattr(conf.current(), key) == default


def test_spans_are_seconds_or_timedeltas():
    with given(keep_successes=timedelta(days=1), timeout=5, keep_failures=None):
        assert conf.current().keep_successes == 86400.0
        assert conf.current().timeout == 5.0
        assert conf.current().keep_failures is None


def test_no_attempts_mean_no_limit():
    with given(max_attempts=0):
        assert conf.current().max_attempts == 0


@pytest.mark.parametrize(
    "value, kept", [(None, None), (False, False), ("/run/q", "/run/q"), (Path("/run/q"), "/run/q")]
)
def test_the_doorbell_is_a_directory_or_off(value, kept):
    with given(doorbell=value):
        assert conf.current().doorbell == kept


@pytest.mark.parametrize("value", [None, True, False, 60])
def test_results_are_cached_for_a_span_or_as_long_as_the_cache_keeps_them(value):
    with given(cached=value):
        assert conf.current().cached == value


def test_keys_of_django_q_two_without_use_are_accepted():
    with given(**dict.fromkeys(conf.REPLACED, "whatever")):
        assert conf.problems() == []
        assert conf.current().name == "default"


def test_no_key_is_both_in_use_and_replaced():
    assert not set(conf.OPTIONS) & set(conf.REPLACED)


@pytest.mark.parametrize(
    "values, code, message",
    [
        ({"worker": 3}, "E001", "Q_CLUSTER has no option 'worker'. Did you mean 'workers'?"),
        ({"WORKERS": 3}, "E001", "Did you mean 'workers'?"),
        ({"zzz": 3}, "E001", "Q_CLUSTER has no option 'zzz'."),
        ({5: 3}, "E001", "Q_CLUSTER has no option 5."),
        ({"workers": "4"}, "E002", "Q_CLUSTER['workers'] is '4'; it must be a whole number."),
        ({"workers": True}, "E002", "it must be a whole number."),
        ({"workers": 0}, "E002", "Q_CLUSTER['workers'] is 0; it must be at least 1."),
        ({"pushers": 65}, "E002", "at least 1 and at most 64"),
        ({"grace": float("nan")}, "E002", "is nan; it must be a number of seconds"),
        ({"grace": -1}, "E002", "it must be at least 0."),
        ({"timeout": 0}, "E002", "it must be at least 0.001."),
        ({"sync": 1}, "E002", "it must be True or False."),
        ({"name": ""}, "E002", "is ''; it must be a text"),
        ({"name": None}, "E002", "is None; it must be a text"),
        ({"queues": "high"}, "E002", "is 'high'; it must be a list of names."),
        ({"queues": [1]}, "E002", "it must be a list of names."),
        ({"serializer": "yaml"}, "E002", "is 'yaml'; it must be one of 'pickle', 'json'."),
        ({"start_method": "thread"}, "E002", "it must be one of 'fork', 'forkserver', 'spawn'."),
        ({"log_level": "LOUD"}, "E002", "it must be one of"),
        ({"backoff": -1}, "E002", "is -1; backoff=-1 holds -1"),
        ({"doorbell": True}, "E002", "is True; it must be the path"),
        ({"cached": "yes"}, "E002", "is 'yes'; it must be a number"),
        ({"heartbeat": 6, "lease": 12}, "E003", "'heartbeat' 6.0"),
        ({"kill_after": 0}, "E003", "Q_CLUSTER['kill_after'] is 0.0"),
        ({"queues": []}, "E003", "Q_CLUSTER['queues'] is []"),
        ({"queues": ["a", "b", "a"]}, "E003", "names 'a' more than once"),
        ({"queues": ["*"]}, None, None),
        ({"queues": ["a", "*"]}, "E003", "is ['a', '*']: '*' means every queue, and others stand beside it"),
        ({"name": "*"}, "E003", "Q_CLUSTER['name'] is '*', which means every queue"),
        ({"name": "x" * 101}, "E003", "of 101 characters"),
        ({"orm": "nowhere"}, "E003", "Q_CLUSTER['orm'] is 'nowhere'"),
        ({"ALT_CLUSTERS": []}, None, None),
        ({"ALT_CLUSTERS": ["long"]}, "E002", "must be a dict of dicts"),
        ({"ALT_CLUSTERS": {"long": {"worker": 1}}}, "E001", "no option 'worker'"),
    ],
)
def test_a_wrong_setting_is_shown_with_its_value_and_what_is_right(values, code, message):
    with override_settings(Q_CLUSTER=values):
        found = conf.problems()

        if code is None:
            assert found == []
            return
        assert [problem.code for problem in found] == [code]
        assert message in found[0].message
        assert found[0].hint
        with pytest.raises(InvalidSettings) as caught:
            conf.current()
        assert message in str(caught.value)


def test_all_problems_are_told_at_once():
    with given(worker=1, grace=-1, sync="no"), pytest.raises(InvalidSettings) as caught:
        conf.current()

    assert all(key in str(caught.value) for key in ("'worker'", "'grace'", "'sync'"))
    assert isinstance(caught.value, (ClusterError, ImproperlyConfigured))


def test_settings_that_are_no_dict_are_refused():
    with override_settings(Q_CLUSTER=[("workers", 4)]):
        assert "must be a dict" in conf.problems()[0].message


def test_the_environment_chooses_the_queue(monkeypatch):
    monkeypatch.setenv("Q_CLUSTER_NAME", "long")

    with given(name="shop", queues=["shop", "low"], timeout=60):
        found = conf.current()

    assert (found.name, found.queues, found.timeout) == ("long", ("long",), 60)


def test_an_alternative_cluster_overrides_the_common_settings(monkeypatch):
    monkeypatch.setenv("Q_CLUSTER_NAME", "long")

    with given(workers=2, timeout=60, ALT_CLUSTERS={"long": {"timeout": 3600, "queues": ["long", "low"]}}):
        found = conf.current()

    assert (found.name, found.queues, found.timeout, found.workers) == ("long", ("long", "low"), 3600, 2)


def test_alternative_clusters_do_nothing_unless_they_are_chosen():
    with given(timeout=60, ALT_CLUSTERS={"long": {"timeout": 3600}}):
        assert (conf.current().name, conf.current().timeout) == ("default", 60)


def test_what_a_command_gives_wins_and_reaches_its_children(monkeypatch):
    monkeypatch.setenv("Q_CLUSTER_OVERRIDES", "{}")
    overrides.write(queues=["*"])
    overrides.write(poll=5.0)

    with given(name="shop", queues=["shop"], poll=1.0):
        found = conf.current()

    assert (found.name, found.queues, found.poll) == ("shop", ("*",), 5.0)


def test_a_payload_is_signed_with_the_secret_key_and_read_with_its_fallbacks():
    with override_settings(SECRET_KEY="old"):
        blob = conf.current().codec().encode((1,), **ROW)

    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]):
        assert conf.current().codec().decode(blob, **ROW) == (1,)
        assert conf.current().codec() is conf.current().codec()
    with override_settings(SECRET_KEY="new"), pytest.raises(PayloadError):
        conf.current().codec().decode(blob, **ROW)


def test_the_codec_writes_as_the_settings_say():
    with given(serializer="json", compress=True):
        codec = conf.current().codec()

    assert (codec.serializer, codec.compress) == ("json", True)


def test_every_option_has_a_meaning_in_one_sentence():
    for option in conf.OPTIONS.values():
        assert option.meaning.endswith(".")
        assert option.meaning[0].isupper()
        assert option.type


def test_passwords_are_not_shown():
    found = dataclasses.replace(conf.current(), broker_class="redis://me:secret@host/0")

    shown = dict(found.shown())

    assert "secret" not in shown["broker_class"]
    assert "redis://me:***@host/0" in shown["broker_class"]
    assert set(shown) == set(conf.OPTIONS)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs os.sched_getaffinity")
def test_only_usable_cpus_count(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5})

    assert conf.Settings().workers == 3
