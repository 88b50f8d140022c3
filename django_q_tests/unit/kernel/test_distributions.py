"""Who owns the package, and what to do when two do."""

from importlib import metadata

import pytest

from django_q.kernel import distributions


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Pretend that just these distributions are installed, each as pip leaves it."""

    def install(name, **files):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        for file, text in files.items():
            (folder / file).write_text(text)

    found = metadata.distributions
    monkeypatch.setattr(metadata, "distributions", lambda: found(path=[str(tmp_path)]))
    distributions.owners.cache_clear()
    yield install
    distributions.owners.cache_clear()


def by_record(package):
    return {"RECORD": f"{package}/__init__.py,sha256=x,1\nother/a.py,,\n"}


def test_one_owner_is_no_stranger(installed):
    installed("django_q_cluster", **by_record("django_q"))
    installed("django-qr", **by_record("django_qr"))

    assert distributions.owners() == ("django-q-cluster",)
    assert distributions.strangers() == ()


def test_a_second_owner_is_found_by_its_files_alone(installed):
    """Wheels of other builders have no top_level.txt, which is all that Python 3.10 would look at."""
    installed("django-q2", **by_record("django_q"))
    installed("django-q-cluster", **{"top_level.txt": "django_q\n"})

    assert distributions.owners() == ("django-q-cluster", "django-q2")
    assert distributions.strangers() == ("django-q2",)
    assert distributions.remedy() == (
        "Uninstall both, then install ours: pip uninstall -y django-q-cluster django-q2 && pip install django-q-cluster"
    )


def test_the_other_one_was_removed_and_took_files_of_ours_with_it(installed):
    installed("django-q-cluster", **by_record("django_q"))

    assert distributions.remedy() == ("Install it again: pip install --force-reinstall --no-deps django-q-cluster")


def test_a_checkout_that_is_not_installed_has_no_strangers(installed):
    assert distributions.owners() == distributions.strangers() == ()
