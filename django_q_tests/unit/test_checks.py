from copy import deepcopy

import pytest
from django.core import checks as django_checks
from django.test import override_settings

from django_q import checks, conf
from django_q.kernel import distributions

SQLITE = {"ENGINE": "django.db.backends.sqlite3"}


# Django's own checks ask MySQL for its version.
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.delenv("Q_CLUSTER_NAME", raising=False)
    conf.reset()
    yield
    conf.reset()


def ours(**kwargs):
    """Return the messages of our checks by id."""
    found = django_checks.run_checks(**kwargs)
    return {message.id: message for message in found if (message.id or "").startswith("django_q.")}


class Elsewhere:
    """Sends our tables to a database of their own."""

    def db_for_read(self, model, **hints):
        return "replica"

    def db_for_write(self, model, **hints):
        return "other" if model._meta.app_label == "django_q" else None


class Nowhere:
    """Has no opinion but on migrations."""

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return False if (db, app_label, model_name) == ("default", "django_q", "ormq") else None


class Silent:
    """Has no opinion."""


def test_a_fresh_project_has_no_issues(settings):
    del settings.Q_CLUSTER

    assert ours() == {}


@pytest.mark.parametrize(
    "values, code", [({"worker": 1}, "E001"), ({"workers": 0}, "E002"), ({"kill_after": 0}, "E003")]
)
def test_a_wrong_setting_is_an_error_with_a_remedy(values, code):
    with override_settings(Q_CLUSTER=values):
        found = ours()

    assert set(found) == {f"django_q.{code}"}
    assert found[f"django_q.{code}"].level == django_checks.ERROR
    assert found[f"django_q.{code}"].hint


def test_a_key_without_effect_is_a_warning_that_names_its_successor():
    with override_settings(Q_CLUSTER={"retry": 60, "ALT_CLUSTERS": {"long": {"bulk": 3}}}):
        found = checks.check_replaced()

    assert [message.id for message in found] == ["django_q.W001"] * 2
    assert "'retry'" in found[0].msg and "'backoff'" in found[0].msg
    assert "'bulk'" in found[1].msg


def test_routers_without_an_opinion_are_no_issue():
    with override_settings(DATABASE_ROUTERS=[Silent()]):
        assert ours() == {}


@pytest.mark.parametrize(
    "router, complaint",
    [
        (Elsewhere(), "writes django_q.OrmQ to 'other'"),
        (Nowhere(), "keeps the table of django_q.OrmQ out of 'default'"),
    ],
)
def test_a_router_that_parts_our_tables_is_an_error(router, complaint):
    with override_settings(DATABASE_ROUTERS=[Silent(), router]):
        found = checks.check_routers()

    assert {message.id for message in found} == {"django_q.E004"}
    assert any(complaint in message.msg for message in found)
    assert "'default'" in found[0].hint


def test_a_router_that_agrees_with_the_settings_is_no_issue(settings, monkeypatch):
    monkeypatch.setitem(settings.DATABASES, "other", deepcopy(settings.DATABASES["default"]))
    settings.Q_CLUSTER = {"orm": "other"}
    settings.DATABASE_ROUTERS = [Elsewhere()]

    assert checks.check_routers() == []


def test_a_second_owner_of_the_package_is_an_error_that_names_both(monkeypatch):
    monkeypatch.setattr(distributions, "owners", lambda: ("django-q-cluster", "django-q2"))

    (found,) = checks.check_distributions()

    assert found.id == "django_q.E005"
    assert "'django-q-cluster' and 'django-q2'" in found.msg
    assert "pip uninstall -y django-q-cluster django-q2 && pip install django-q-cluster" in found.hint


def test_one_owner_is_no_issue(monkeypatch):
    monkeypatch.setattr(distributions, "owners", lambda: ("django-q-cluster",))

    assert checks.check_distributions() == []


def test_an_empty_secret_key_is_an_error():
    with override_settings(SECRET_KEY=""):
        assert [message.id for message in checks.check_secret_key()] == ["django_q.E006"]


@pytest.fixture
def default_database(settings, monkeypatch):
    """Change what DATABASES says of the default database; no connection is opened."""

    def change(**values):
        monkeypatch.setitem(settings.DATABASES, "default", values)

    return change


def header(version):
    return b"SQLite format 3\0\x10\x00" + bytes((version, version)) + bytes(80)


def test_deployment_checks_run_only_when_asked_for(settings, default_database, tmp_path):
    default_database(**SQLITE, NAME=tmp_path / "db")
    settings.DEBUG = True

    assert ours() == {}
    assert {"django_q.W011", "django_q.W012"} <= set(ours(include_deployment_checks=True))


@pytest.mark.parametrize(
    "content, warned",
    [
        pytest.param(header(1), True, id="rollback journal"),
        pytest.param(header(2), False, id="write-ahead log"),
        pytest.param(b"", False, id="empty file"),
        pytest.param(None, False, id="no file yet"),
    ],
)
def test_sqlite_without_a_write_ahead_log_is_a_warning_at_deployment(default_database, tmp_path, content, warned):
    path = tmp_path / "db.sqlite3"
    if content is not None:
        path.write_bytes(content)
    default_database(**SQLITE, NAME=path, OPTIONS={"transaction_mode": "immediate"})

    found = checks.check_deployment()

    assert [message.id for message in found] == ["django_q.W010"] * warned
    assert path.exists() is (content is not None)


def test_other_databases_have_no_sqlite_warnings(default_database):
    default_database(ENGINE="django.db.backends.postgresql", NAME="shop")

    assert checks.check_deployment() == []
