"""``manage.py qcheck``: what it finds, what it says to do, and how it exits."""

import io
import json
import os
import tempfile
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

import django_q
from django_q import conf
from django_q.brokers.orm import OrmBroker
from django_q.engine.completion import finish
from django_q.kernel import clock
from django_q.kernel.codec import Codec, derive_key
from django_q.kernel.messages import Outcome, Report
from django_q.kernel.states import Ending, TaskState
from django_q.models import Incarnation, OrmQ
from django_q.models.dialects import dialect_for
from django_q.models.dialects.base import Later
from django_q_tests.support import factories

pytestmark = pytest.mark.django_db

on_a_server = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite's clock is the host's")


@pytest.fixture(autouse=True)
def at_a_desk(settings):
    """A rollback journal of SQLite is worth a warning on a server only."""
    settings.DEBUG = connection.vendor == "sqlite"
    settings.Q_CLUSTER = {"doorbell": False}


def said(*args):
    """Return the exit code and the text."""
    out = io.StringIO()
    try:
        call_command("qcheck", *args, stdout=out)
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


def found(check, *, code=None):
    """Return what qcheck found of one thing: level, what was seen, and the fix."""
    ended, text = said("--json")
    assert code is None or ended == code, text
    return [(each["level"], each["seen"], each["fix"]) for each in json.loads(text) if each["check"] == check]


def cluster(*, about=None, **columns):
    """Register a living cluster that says of itself what a keeper writes."""
    columns = {"name": "web", "host": "here", "pid": 4711, "version": django_q.__version__, **columns}
    id = factories.register(lease=12.0, **columns)
    keys = conf.current().codec().fingerprints()
    told = {"keys": keys, "debug": False, "clock": clock.epoch(), "lease": 12.0, **(about or {})}
    Incarnation.objects.filter(pk=id).update(stats=json.dumps({"state": "idle", "about": told}))
    return id


def keys_of(*secrets):
    return Codec(tuple(map(derive_key, secrets))).fingerprints()


# --- how it answers ------------------------------------------------------------------------------------------------


def test_where_all_is_well_it_says_so_and_exits_with_zero():
    cluster()
    factories.put(1, 2)

    code, text = said()

    assert code == 0, text
    assert text.endswith("everything is well\n")
    assert all(line.startswith("ok ") for line in text.splitlines()[:-1])
    assert said("--verbosity", "0") == (0, "everything is well\n")


def test_each_finding_is_one_line_with_its_fix():
    factories.put(1, queue="reports")

    code, text = said("--verbosity", "0")

    assert code == 2
    assert text.splitlines() == [
        'error    clusters       no cluster serves "default"; start manage.py qcluster',
        'error    clusters       no cluster serves "reports", in which 1 wait; start manage.py qcluster -n reports',
    ]


def test_for_programs_it_prints_a_list_of_objects():
    cluster()

    code, text = said("--json")

    assert code == 0
    assert all(set(each) == {"check", "level", "seen", "fix"} for each in json.loads(text))
    assert {"settings", "database", "migrations", "rights", "clock", "clusters", "key"} <= {
        each["check"] for each in json.loads(text)
    }


def test_a_warning_alone_exits_with_one():
    cluster(version="0.0.1")

    assert said("--verbosity", "0")[0] == 1


def test_it_changes_nothing():
    owner = cluster()
    factories.put_many([(number,) for number in range(30)])
    OrmBroker().claim(2, queues=["default"], incarnation=owner, generation=1)
    before = list(OrmQ.objects.values()), list(Incarnation.objects.values())

    said()

    assert (list(OrmQ.objects.values()), list(Incarnation.objects.values())) == before


def test_the_number_of_queries_does_not_grow_with_the_rows(django_assert_max_num_queries):
    cluster()
    factories.put_many([(number,) for number in range(200)])

    with django_assert_max_num_queries(80):
        assert said()[0] == 0


# --- settings ------------------------------------------------------------------------------------------------------


def test_wrong_settings_are_told_and_nothing_else_is_asked(settings, django_assert_num_queries):
    settings.Q_CLUSTER = {"wrokers": 2}

    with django_assert_num_queries(0):
        ((level, seen, fix),) = found("django_q.E001", code=2)

    assert level == "error"
    assert "Did you mean 'workers'?" in seen and seen.endswith("(nothing further was looked at)")
    assert fix == "Rename it to 'workers', or remove it."


def test_a_contradiction_is_told(settings):
    settings.Q_CLUSTER = {"heartbeat": 10}

    ((level, seen, fix),) = found("django_q.E003", code=2)

    assert (level, fix) == ("error", "Make 'lease' more than twice 'heartbeat'; 12 and 2 are usual.")


def test_a_silenced_warning_is_not_told_and_a_silenced_error_is(settings):
    cluster()
    settings.SILENCED_SYSTEM_CHECKS = ["django_q.W001", "django_q.E001"]
    settings.Q_CLUSTER = {"doorbell": False, "retry": 60}

    assert found("django_q.W001", code=0) == []

    settings.Q_CLUSTER = {"wrokers": 2}

    assert found("django_q.E001", code=2)


# --- the machine ---------------------------------------------------------------------------------------------------


@pytest.fixture
def bells():
    """A directory whose path is short enough for a socket, as those of tests are not."""
    with tempfile.TemporaryDirectory(prefix="dq-") as place:
        yield place


def test_a_private_directory_for_bells_is_fine(settings, bells):
    settings.Q_CLUSTER = {"doorbell": bells}

    assert found("doorbell") == [("ok", f"{bells} wakes the clusters on this host", "")]


def test_a_directory_for_bells_that_others_can_open_is_a_warning(settings, bells):
    os.chmod(bells, 0o755)
    settings.Q_CLUSTER = {"doorbell": bells}

    ((level, seen, fix),) = found("doorbell")

    assert level == "warning" and "is not a directory that only this user can open" in seen and "mode 700" in fix


def test_a_directory_for_bells_that_is_missing_is_not_made(settings, bells):
    settings.Q_CLUSTER = {"doorbell": f"{bells}/new"}

    assert found("doorbell")[0][0] == "ok"
    assert os.listdir(bells) == []


def test_a_directory_for_bells_with_a_path_too_long_for_a_socket_is_a_warning(settings, bells):
    settings.Q_CLUSTER = {"doorbell": f"{bells}/{'x' * 70}"}

    assert found("doorbell")[0][0] == "warning"


def test_a_start_method_that_this_system_lacks_is_an_error(settings, monkeypatch):
    monkeypatch.setattr("multiprocessing.get_all_start_methods", lambda: ["spawn"])
    settings.Q_CLUSTER = {"start_method": "fork"}

    ((level, seen, fix),) = found("processes", code=2)

    assert (level, fix) == ("error", "let Q_CLUSTER['start_method'] be one of 'spawn'")


def test_a_temporary_directory_that_is_missing_is_an_error(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/place")

    ((level, seen, fix),) = found("temporary", code=2)

    assert level == "error" and "TMPDIR" in fix


def test_a_cache_matters_only_where_results_go_to_it(settings):
    assert found("cache") == []

    settings.Q_CLUSTER = {"doorbell": False, "cached": 60}

    ((level, seen, fix),) = found("cache")
    assert level == "warning" and "(LocMemCache) is not shared by processes" in seen


def test_a_cache_that_other_processes_see_is_fine(settings, tmp_path):
    files = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)}
    settings.CACHES = {"default": files}
    settings.Q_CLUSTER = {"doorbell": False, "cached": True}

    assert found("cache")[0][0] == "ok"


def test_a_cache_that_does_not_answer_is_an_error(settings):
    redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    settings.CACHES = {"default": redis}
    settings.Q_CLUSTER = {"doorbell": False, "cached": True}

    ((level, seen, fix),) = found("cache", code=2)

    assert level == "error" and "does not answer: ConnectionError" in seen


def test_a_cache_that_is_not_there_is_an_error(settings):
    settings.Q_CLUSTER = {"doorbell": False, "cached": True, "cache": "results"}

    assert found("cache", code=2)[0][2] == "let Q_CLUSTER['cache'] name a key of CACHES"


def test_a_broker_that_cannot_be_made_is_an_error(settings):
    settings.Q_CLUSTER = {"doorbell": False, "broker_class": "shop.brokers.Pigeon"}

    assert found("broker", code=2)[0][0] == "error"


# --- the database --------------------------------------------------------------------------------------------------


def test_the_database_is_named_with_its_version_and_its_round_trip():
    ((level, seen, _),) = found("database")

    name = {"sqlite": "SQLite 3.", "postgresql": "PostgreSQL 1", "mysql": "MariaDB 1"}[connection.vendor]
    assert level == "ok" and seen.startswith(f"'default' is {name}") and seen.endswith(" ms")


def test_a_database_that_is_too_old_is_an_error(monkeypatch):
    monkeypatch.setattr(connection, "get_database_version", lambda: (3, 30, 1))

    ((level, seen, fix),) = found("database", code=2)

    assert level == "error" and "3.30.1, which is too old" in seen and fix.endswith("or later")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="others have no such journal")
def test_a_rollback_journal_is_a_warning_on_a_server(settings):
    assert found("journal")[0][0] == "ok"

    settings.DEBUG = False

    ((level, seen, fix),) = found("journal")
    assert level == "warning" and "journal_mode=WAL" in fix


@pytest.mark.skipif(connection.vendor != "mysql", reason="others have a fitting default")
def test_an_isolation_that_keeps_locks_is_a_warning():
    assert found("isolation")[0][:2] == ("ok", "transactions are READ-COMMITTED")

    with connection.cursor() as cursor:
        cursor.execute("SET SESSION tx_isolation = 'REPEATABLE-READ'")
        try:
            ((level, seen, fix),) = found("isolation")
        finally:
            cursor.execute("SET SESSION tx_isolation = 'READ-COMMITTED'")

    assert level == "warning" and seen.startswith("transactions are REPEATABLE-READ") and "read committed" in fix


def test_migrations_that_are_missing_are_named_and_nothing_else_is_asked():
    newest = MigrationRecorder.Migration.objects.filter(app="django_q").order_by("name").last()
    newest.delete()

    ((level, seen, fix),) = found("migrations", code=2)

    assert level == "error"
    assert seen == f"not applied in 'default': django_q.{newest.name} (nothing further was looked at)"
    assert fix == "run manage.py migrate"
    assert found("rights") == []


def test_a_database_that_a_newer_version_migrated_is_a_warning():
    cluster()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('django_q', '0999_later', CURRENT_TIMESTAMP)"
        )

    ((level, seen, fix),) = found("migrations", code=1)

    assert level == "warning" and "django_q.0999_later" in seen


def test_the_rights_of_a_cluster_are_tried():
    ((level, seen, _),) = found("rights")

    assert level == "ok" and seen.endswith("may do what a cluster does")


@pytest.mark.parametrize(("offset", "word"), [(90, "behind"), (-90, "ahead of")])
def test_a_clock_that_differs_from_the_database_is_a_warning_with_the_seconds(monkeypatch, offset, word):
    cluster()
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(seconds=offset))

    ((level, seen, fix),) = found("clock", code=1)

    assert level == "warning" and f"90.0 s {word} this process's" in seen and "NTP" in fix


@pytest.mark.parametrize("use_tz", [True, False])
def test_a_clock_that_is_right_is_right_with_and_without_time_zones(settings, use_tz):
    settings.USE_TZ = use_tz

    assert found("clock")[0][0] == "ok"


# --- the clusters --------------------------------------------------------------------------------------------------


def test_a_queue_that_a_cluster_serves_is_fine():
    cluster(queues='["default", "mails"]')
    factories.put(1, queue="mails")

    ((level, seen, _),) = found("clusters", code=0)

    assert (level, seen) == ("ok", "web on here, pid 4711, is idle and serves default, mails")


def test_an_alternative_that_no_cluster_serves_is_a_warning(settings):
    cluster()
    settings.Q_CLUSTER = {"doorbell": False, "ALT_CLUSTERS": {"long": {"timeout": 3600}}}

    (level, seen, fix), _ = found("clusters", code=1)

    assert level == "warning"
    assert (seen, fix) == (
        'no cluster serves "long", which ALT_CLUSTERS names',
        "start manage.py qcluster -n long",
    )


def test_a_cluster_of_another_version_is_a_warning():
    cluster(version="0.0.1")

    ((level, seen, fix),) = found("version", code=1)

    assert seen == f"web on here runs django_q 0.0.1, and this process {django_q.__version__}"


def test_a_cluster_with_another_key_is_an_error():
    cluster(about={"keys": keys_of("another")})

    ((level, seen, fix),) = found("key", code=2)

    assert level == "error"
    assert seen == (
        "web on here (4711) has another SECRET_KEY than this process: it cannot run what is enqueued here, "
        "and its results cannot be read here"
    )
    assert "SECRET_KEY_FALLBACKS" in fix


def test_a_key_that_is_being_changed_is_fine_while_each_reads_the_other(settings):
    cluster(about={"keys": keys_of("new", settings.SECRET_KEY)})
    settings.SECRET_KEY_FALLBACKS = ["new"]

    assert found("key", code=0)[0][0] == "ok"


def test_a_key_that_only_the_cluster_has_spoils_its_results(settings):
    cluster(about={"keys": keys_of("new", settings.SECRET_KEY)})

    ((level, seen, fix),) = found("key", code=2)

    assert seen.endswith(": its results cannot be read here")


def test_fingerprints_say_nothing_of_the_key(settings):
    cluster()

    _, text = said("--json")

    stats = Incarnation.objects.values_list("stats", flat=True).get()
    assert settings.SECRET_KEY not in stats + text
    assert derive_key(settings.SECRET_KEY).hex()[:16] not in stats + text


@on_a_server
def test_a_cluster_whose_host_has_another_time_is_a_warning():
    cluster(about={"clock": clock.epoch() - 30})

    _, (level, seen, fix) = found("clock", code=1)

    assert level == "warning" and seen.startswith("the clock of here is ") and "s behind the database's" in seen


def test_debug_in_a_cluster_is_a_warning_on_a_server(settings):
    settings.DEBUG = False
    cluster(about={"debug": True})

    ((level, seen, fix),) = found("debug")

    assert level == "warning" and "web on here (4711)" in seen


def test_a_cluster_of_an_earlier_version_that_says_less_is_no_riddle():
    factories.register(version=django_q.__version__)

    assert found("key", code=0) == []


# --- the queue -----------------------------------------------------------------------------------------------------


def test_a_ready_task_that_waits_for_long_is_a_warning():
    cluster()
    OrmQ.objects.filter(pk=factories.put(1)).update(enqueued_at=dialect_for("default").later_expression(-900))

    ((level, seen, fix),) = found("queue", code=1)

    assert level == "warning" and seen.startswith('the oldest of 1 ready tasks in "default" waits for 9')


def test_a_deferred_task_that_nobody_promotes_is_a_warning():
    cluster()
    factories.put(1, state=TaskState.DEFERRED, run_after=Later(-60))

    ((level, seen, fix),) = found("deferred", code=1)

    assert level == "warning" and "has been due for 6" in seen


def test_a_task_that_is_due_later_is_fine():
    cluster()
    factories.put(1, state=TaskState.DEFERRED, run_after=Later(60))

    assert found("deferred", code=0) == []


def test_tasks_of_a_dead_cluster_are_a_warning():
    dead = cluster()
    factories.put_many([(1,)] * 3)
    OrmBroker().claim(2, queues=["default"], incarnation=dead, generation=1)
    Incarnation.objects.bury(dead, expired_only=False)
    cluster()

    ((level, seen, fix),) = found("claims", code=1)

    assert level == "warning"
    assert seen == "2 tasks are held by clusters that are not heard of any more: web on here (4711)"
    assert fix == "wait 12 s; a living cluster takes them over"


def test_a_function_that_no_worker_knows_is_a_warning():
    owner = cluster()
    factories.put(1, func="app.tasks.ad")
    (claim,) = OrmBroker().claim(1, queues=["default"], incarnation=owner, generation=1)
    missed = Report(0.0, 0.0, error="no such function")
    finish([Outcome(claim.envelope.id, claim.envelope.token, Ending.UNKNOWN, missed)], cluster="web")

    ((level, seen, fix),) = found("functions", code=1)

    assert level == "warning" and "no worker knows 'app.tasks.ad'" in seen and "1 of its tasks wait" in seen


class Bomb:
    """Tells when it is unpickled."""

    exploded = 0

    def __reduce__(self):
        return (Bomb.explode, ())

    @classmethod
    def explode(cls):
        cls.exploded += 1


def test_signatures_of_queued_tasks_are_verified_and_nothing_is_unpickled():
    cluster()
    factories.put(Bomb())

    ((level, seen, _),) = found("signatures", code=0)

    assert (level, seen) == ("ok", "those of the newest 1 queued tasks can be verified")
    assert Bomb.exploded == 0


def test_tasks_that_are_signed_with_another_key_are_an_error(settings):
    cluster()
    own = settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    strange = factories.put(Bomb())
    settings.SECRET_KEY = own
    factories.put(1)

    ((level, seen, fix),) = found("signatures", code=2)

    assert seen == f"1 of the newest 2 queued tasks are not signed with a key of this process ({strange})"
    assert "SECRET_KEY_FALLBACKS" in fix
    assert Bomb.exploded == 0


def test_only_the_newest_rows_are_sampled():
    cluster()
    factories.put_many([(number,) for number in range(50)])

    assert "newest 20" in found("signatures", code=0)[0][1]
