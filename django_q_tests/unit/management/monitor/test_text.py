"""Text on a terminal: how wide it is, and that nothing in it moves the cursor."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from django_q.management.monitor.text import Span, Style, clean, cut, fit, fitted, text_of, width_of, wrapped

TEXTS = st.text(max_size=60)
WIDTHS = st.integers(min_value=1, max_value=50)


@given(TEXTS)
def test_what_is_shown_holds_nothing_that_a_terminal_would_obey(text):
    shown = clean(text)

    assert not [letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cf", "Cs")]
    assert wcswidth(shown) >= 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "?[2Jgone"),
        ("two\nlines\tand more", "two lines and more"),
        ("evil\u202etxt.exe", "eviltxt.exe"),
        ("half \ud800", "half ?"),
        ("日本語 – naïve", "日本語 – naïve"),
    ],
)
def test_a_text_is_shown_as(text, shown):
    assert clean(text) == shown


@given(TEXTS, WIDTHS, st.booleans())
def test_a_cell_is_exactly_as_wide_as_its_column(text, width, right):
    assert width_of(fit(text, width, right=right)) == width
    assert wcswidth(fit(text, width, right=right)) <= width


def test_a_text_that_is_cut_says_so():
    assert cut("customers", 5) == "cust…"
    assert cut("日本語", 4) == "日…"
    assert cut("customers", 9) == "customers"
    assert cut("customers", 0) == ""


@given(TEXTS, st.integers(min_value=2, max_value=50))
def test_wrapped_lines_are_no_wider_than_the_terminal_and_lose_no_letter(text, width):
    lines = wrapped(text, width)

    assert all(width_of(line) <= width for line in lines)
    told = "".join("".join(line.split()) for line in lines)
    assert told == "".join("".join(clean(part.expandtabs(4)).split()) for part in text.split("\n"))


@given(st.lists(TEXTS, max_size=4), st.integers(min_value=0, max_value=50))
def test_a_line_of_several_pieces_is_exactly_as_wide_as_the_terminal(texts, width):
    line = fitted(tuple(Span(text, Style.PLAIN) for text in texts), width)

    assert width_of(text_of(line)) == width
