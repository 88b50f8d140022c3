import threading

from django.db import connections
from django.test import override_settings

from django_q.testing import carried


def carry(path, monkeypatch, **replaced):
    """Return the settings as a process that this one starts sees them."""
    carried.write(path / "settings", **replaced)
    monkeypatch.setenv(carried.VARIABLE, str(path / "settings"))
    return carried.read()


def test_what_the_module_says_and_nobody_changed_is_read_from_there(tmp_path, monkeypatch, settings):
    seen = carry(tmp_path, monkeypatch)

    assert seen["SECRET_KEY"] == settings.SECRET_KEY
    assert seen["INSTALLED_APPS"] == settings.INSTALLED_APPS
    assert "override_settings" not in seen


@override_settings(SHOP={"price": 7}, LANGUAGE_CODE="de")
def test_what_a_test_overrides_is_carried_and_so_is_what_it_adds(tmp_path, monkeypatch):
    with override_settings(LANGUAGE_CODE="fr"):
        seen = carry(tmp_path, monkeypatch)

    assert (seen["SHOP"], seen["LANGUAGE_CODE"]) == ({"price": 7}, "fr")


def test_what_was_replaced_wins(tmp_path, monkeypatch):
    with override_settings(Q_CLUSTER={"workers": 1}):
        assert carry(tmp_path, monkeypatch, Q_CLUSTER={"workers": 2})["Q_CLUSTER"] == {"workers": 2}


def test_the_databases_are_those_of_the_test_run(tmp_path, monkeypatch):
    seen = carry(tmp_path, monkeypatch)["DATABASES"]

    assert seen["default"]["NAME"] == connections["default"].settings_dict["NAME"]
    assert seen["default"]["ENGINE"] == connections["default"].settings_dict["ENGINE"]


def test_what_cannot_be_pickled_is_left_out(tmp_path, monkeypatch):
    with override_settings(LOCK=threading.Lock(), CALL=lambda: None, SHOP=7):
        seen = carry(tmp_path, monkeypatch)

    assert (seen["SHOP"], "LOCK" in seen, "CALL" in seen) == (7, False, False)


def test_a_process_that_no_test_run_started_has_none(monkeypatch):
    monkeypatch.delenv(carried.VARIABLE, raising=False)

    assert carried.read() == {}
