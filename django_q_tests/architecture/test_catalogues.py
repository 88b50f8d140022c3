"""The catalogues hold every string of the package, translated, and what is compiled is what is written."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import call_command

from django_q_tests.architecture.source import PACKAGE
from django_q_tests.support.catalogues import PLACE, compiled, text_of_key

CATALOGUES = sorted(PACKAGE.rglob("locale/*/LC_MESSAGES/django.po"))
LANGUAGES = {path.parts[-3] for path in CATALOGUES}

needs_gettext = pytest.mark.skipif(
    shutil.which("msgfmt") is None, reason="gettext is not installed: apt-get install gettext"
)
each_catalogue = pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: str(path.relative_to(PACKAGE)))


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """A copy of the package whose catalogues were just brought up to date."""
    copy = tmp_path_factory.mktemp("package") / "django_q"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        call_command("makemessages", all=True, no_obsolete=True, add_location="file", verbosity=0)
    return copy


def picked(catalogue: Path, which: str) -> str:
    """Return the entries of one kind, without the head of the file."""
    done = subprocess.run(["msgattrib", which, str(catalogue)], check=True, capture_output=True, text=True)
    return "\n".join(part for part in done.stdout.split("\n\n") if '\nmsgid ""\nmsgstr ""\n' not in f"\n{part}\n")


def as_compiled(catalogue: Path, folder: Path) -> dict[object, str]:
    target = folder / "compiled.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", str(target), str(catalogue)], check=True)
    return compiled(target)


def test_each_application_that_marks_strings_has_each_language():
    applications = {path.parents[3] for path in CATALOGUES}

    assert LANGUAGES >= {"de", "pl"}
    assert applications >= {PACKAGE, PACKAGE / "contrib" / "background"}
    assert len(CATALOGUES) == len(LANGUAGES) * len(applications)


@needs_gettext
@each_catalogue
def test_every_string_of_the_source_is_translated(catalogue, collected, tmp_path):
    now = collected / catalogue.relative_to(PACKAGE)

    assert picked(now, "--untranslated") == ""
    assert picked(now, "--only-fuzzy") == ""


@needs_gettext
@each_catalogue
def test_no_string_is_there_that_the_source_has_no_more(catalogue, collected, tmp_path):
    now = as_compiled(collected / catalogue.relative_to(PACKAGE), tmp_path)

    assert set(as_compiled(catalogue, tmp_path)) - set(now) == set()
    assert picked(catalogue, "--only-obsolete") == ""


@needs_gettext
def test_no_catalogue_is_missing_where_strings_are_marked(collected):
    found = {path.relative_to(collected) for path in collected.rglob("*.po")}

    assert found == {path.relative_to(PACKAGE) for path in CATALOGUES}


@needs_gettext
@each_catalogue
def test_what_is_compiled_is_what_is_written(catalogue, tmp_path):
    assert compiled(catalogue.with_suffix(".mo")) == as_compiled(catalogue, tmp_path)


@each_catalogue
def test_a_translation_has_the_places_of_its_text(catalogue):
    entries = compiled(catalogue.with_suffix(".mo"))
    del entries[""]  # the head
    wrong = {
        key: told
        for key, told in entries.items()
        if sorted(PLACE.findall(text_of_key(key))) != sorted(PLACE.findall(told))
    }

    assert entries
    assert wrong == {}


@each_catalogue
def test_a_plural_has_all_the_forms_of_its_language(catalogue):
    entries = compiled(catalogue.with_suffix(".mo"))
    found = Counter(key[0] for key in entries if isinstance(key, tuple))
    (forms,) = re.findall(r"^Plural-Forms: *nplurals=(\d+);", entries[""], re.MULTILINE)

    assert found == dict.fromkeys(found, int(forms))


@each_catalogue
def test_dates_and_line_numbers_do_not_make_two_versions_of_the_same(catalogue):
    text = catalogue.read_text(encoding="utf-8")

    assert "POT-Creation-Date" not in text
    assert not [line for line in text.splitlines() if line.startswith("#: ") and ":" in line.removeprefix("#: ")]
    assert not [line for line in text.splitlines() if line.startswith("#~")]
