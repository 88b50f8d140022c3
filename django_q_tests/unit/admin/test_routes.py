"""Names of groups in addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_q.admin.routes import TextConverter

converter = TextConverter()
names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=100)


@given(names)
def test_any_name_comes_back_from_its_address(name):
    assert converter.to_python(converter.to_url(name)) == name


@given(names)
def test_an_address_holds_nothing_that_a_browser_or_a_server_would_change(name):
    url = converter.to_url(name)

    assert all(letter.isalnum() or letter in "_-" for letter in url)


def test_a_plain_name_is_its_own_address():
    assert converter.to_url("nightly-2026") == converter.to_python("nightly-2026") == "nightly-2026"


@pytest.mark.parametrize("typed", ["_0_", "_d800_", "_110000_", "a\0b"])
def test_an_address_that_stands_for_no_name_is_not_found(typed):
    with pytest.raises(ValueError):
        converter.to_python(typed)
