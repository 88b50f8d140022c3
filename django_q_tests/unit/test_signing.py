"""Signed packages under the names of Django Q."""

import pickle
from base64 import urlsafe_b64encode
from datetime import date

import pytest
from django.core import signing as django_signing

from django_q import signing
from django_q.exceptions import UnpicklableError
from django_q.signing import BadSignature, SignedPackage


@pytest.mark.parametrize("value", [None, {"id": "x", "args": (1, date(2026, 1, 1))}, "ä" * 1000])
@pytest.mark.parametrize("compressed", [None, True, False])
def test_what_was_packed_comes_out(value, compressed):
    assert SignedPackage.loads(SignedPackage.dumps(value, compressed)) == value


def test_compression_makes_it_shorter():
    text = "tea" * 1000

    assert len(SignedPackage.dumps(text, True)) < len(SignedPackage.dumps(text, False)) / 10


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("it was unpickled",)


@pytest.mark.parametrize(
    "package",
    [
        "",
        "no package",
        "€",
        None,
        urlsafe_b64encode(pickle.dumps(Bomb())).decode(),
        django_signing.dumps({"id": 1}),
    ],
    ids=["empty", "words", "not ascii", "nothing", "a bare pickle", "signed by Django"],
)
def test_what_was_not_signed_here_is_refused_unread(package):
    with pytest.raises(BadSignature, match="no package that was signed here"):
        SignedPackage.loads(package)


def test_a_changed_package_is_refused():
    package = SignedPackage.dumps("tea")

    with pytest.raises(BadSignature):
        SignedPackage.loads(package[:-4] + "AAAA")


def test_an_old_key_still_opens_a_package(settings):
    package = SignedPackage.dumps("tea")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert SignedPackage.loads(package) == "tea"

    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(BadSignature):
        SignedPackage.loads(package)


def test_what_cannot_be_pickled_is_refused():
    with pytest.raises(UnpicklableError):
        SignedPackage.dumps(lambda: None)


def test_the_error_is_that_of_django():
    assert signing.BadSignature is django_signing.BadSignature
