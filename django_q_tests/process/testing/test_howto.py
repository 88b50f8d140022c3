"""The page on testing, done literally: all its examples are the tests of a project, and pass."""

import os
import re
from textwrap import dedent

import django
import pytest

from django_q_tests.support.own_database import ROOT
from django_q_tests.support.plugins import WITHOUT_OTHERS

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.once

PAGE = ROOT / "docs" / "howto" / "test-your-tasks.rst"
SETTINGS = """
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "of a shop"
INSTALLED_APPS = ["django_q"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "shop.sqlite3"}}
DATABASES["default"]["TEST"] = {"NAME": BASE_DIR / "test.sqlite3"}
USE_TZ = True
ROOT_URLCONF = "shop.urls"
"""
# Django 6.1 wants to be told.
MAILERS = 'MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}}\n'
TASKS = """
import os
from django.core import mail
from django_q import current_task

def confirm(order):
    if order == 404:
        raise LookupError(f"there is no order {order}")
    mail.send_mail("Your order", f"{order}", "shop@example.org", ["customer@example.org"])
    return f"confirmed {order}"

def remind(order, text):
    pass

def charge(order):
    if current_task().attempt < 3:
        raise ConnectionError("the bank sleeps")

def refund(order):
    pass

def report():
    return os.getpid()
"""
VIEWS = """
from datetime import timedelta
from django.http import HttpResponse
from django_q import async_task

def orders(request):
    if request.method == "POST":
        order = int(request.POST["order"])
        async_task("shop.tasks.confirm", order)
        async_task("shop.tasks.remind", order, "see you soon", run_after=timedelta(days=1))
    return HttpResponse("orders")
"""
URLS = """
from django.urls import path
from shop import views

urlpatterns = [path("orders/", views.orders)]
"""


@pytest.fixture
def shop(pytester, monkeypatch):
    """The project that the page is about, with one test module for each example."""
    for name in [name for name in os.environ if name.startswith(("PYTEST_", "DJANGO_SETTINGS_MODULE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTEST_ADDOPTS", WITHOUT_OTHERS)
    pytester.makeini("[pytest]\nDJANGO_SETTINGS_MODULE = shop.settings\npythonpath = .\naddopts = --strict-markers\n")
    package = pytester.mkpydir("shop")
    for name, text in (
        ("settings", SETTINGS + MAILERS * (django.VERSION >= (6, 1))),
        ("tasks", TASKS),
        ("views", VIEWS),
        ("urls", URLS),
    ):
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    for number, example in enumerate(examples()):
        (pytester.path / f"test_example_{number}.py").write_text(example, encoding="utf-8")
    return pytester


def examples():
    found = re.findall(r"^\.\. code-block:: python\n((?:   .*\n|\n)+)", PAGE.read_text("utf-8"), re.MULTILINE)
    return [dedent(block) for block in found]


def test_every_example_passes(shop):
    written = sum(len(re.findall(r"def test_", example)) for example in examples())

    shop.runpytest_subprocess("-W", "error", timeout=240).assert_outcomes(passed=written)
    assert written >= 15


def test_a_failure_looks_as_the_page_shows_it(shop):
    for file in shop.path.glob("test_example_*.py"):
        file.unlink()
    shop.makepyfile(
        """
        import pytest
        from django_q.testing import assert_enqueued

        @pytest.mark.django_db
        def test_it_fails(client):
            client.post("/orders/", {"order": 7})
            assert_enqueued("shop.tasks.confirm", args=(8,))
        """
    )
    shown = re.search(r"^   AssertionError: (.*?)\n\n", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[1]

    outcome = shop.runpytest_subprocess("-W", "error", "--tb=short", timeout=120)

    printed = "\n".join(line.removeprefix("E").strip() for line in outcome.stdout.lines)
    assert "\n".join(line.strip() for line in shown.splitlines()) in printed
