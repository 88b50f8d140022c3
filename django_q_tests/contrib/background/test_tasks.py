"""``autodiscover()``: the modules ``tasks`` of the applications."""

import sys

import pytest
from django.test import override_settings

from django_q.contrib.background.tasks import autodiscover

pytestmark = pytest.mark.once


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """An application in a folder of the test; returns what writes a module of it."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "discovered_shop").mkdir()

    def write(module, text=""):
        (tmp_path / "discovered_shop" / f"{module}.py").write_text(text)

    write("__init__")
    write("apps", "from django.apps import AppConfig\n\nclass Shop(AppConfig):\n    name = 'discovered_shop'\n")
    yield write
    for name in [name for name in sys.modules if name.startswith("discovered_shop")]:
        del sys.modules[name]


@pytest.mark.parametrize("entry", ["discovered_shop", "discovered_shop.apps.Shop"])
def test_the_tasks_of_an_application_are_found_however_it_is_named(shop, settings, entry):
    shop("tasks", "from django_q.contrib.background import background\n\n@background\ndef ship():\n    pass\n")

    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, entry]):
        found = autodiscover()

    assert "discovered_shop.tasks" in found and "django_q.examples.experimenteditor.tasks" in found
    assert sys.modules["discovered_shop.tasks"].ship.name == "discovered_shop.tasks.ship"


@pytest.mark.parametrize(
    ("text", "cause"), [("import nobody_wrote_this\n", "nobody_wrote_this"), ("1 / 0\n", "ZeroDivisionError")]
)
def test_an_error_in_the_tasks_of_an_application_is_raised_with_its_name(shop, settings, text, cause):
    shop("tasks", text)

    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "discovered_shop.apps.Shop"]):
        with pytest.raises(ImportError, match=f"The tasks of the application 'discovered_shop' cannot.*{cause}"):
            autodiscover()


def test_an_application_without_tasks_is_passed_over(shop, settings):
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "discovered_shop"]):
        assert "discovered_shop.tasks" not in autodiscover()
