import datetime
import math
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_q.exceptions import InvalidValue
from django_q.kernel.literals import read_args, read_kwargs, write_args, write_kwargs

KEYS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=st.sampled_from([datetime.timezone.utc, ZoneInfo("Europe/Berlin")])),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
)
VALUES = st.recursive(
    KEYS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=3),
        st.sets(KEYS, max_size=3),
        st.frozensets(KEYS, max_size=3),
    ),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=4))
def test_arguments_come_back_as_they_were(values):
    assert read_args(write_args([*values, 0])) == (*values, 0)


@given(st.dictionaries(st.from_regex(r"[a-z]\w{0,8}", fullmatch=True).filter(str.isidentifier), VALUES, max_size=4))
def test_keywords_come_back_as_they_were(kwargs):
    assert read_kwargs(write_kwargs(kwargs)) == kwargs


def test_what_is_not_a_number_comes_back_too():
    [value] = read_args(write_args([float("nan")]))

    assert math.isnan(value)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", ()),
        ("  ", ()),
        ("1, 2, 'John'", (1, 2, "John")),
        ("'John'", ("John",)),
        ("(1, 2)", (1, 2)),
        ("[1, 2]", ([1, 2],)),
        ("-1.5, +2, 1+2j", (-1.5, 2, 1 + 2j)),
        ("date(2026, 1, 31), Decimal('9.90')", (datetime.date(2026, 1, 31), Decimal("9.90"))),
        (
            "datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)",
            (datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),),
        ),
        ("uuid.UUID(int=1), timedelta(minutes=5)", (UUID(int=1), datetime.timedelta(minutes=5))),
    ],
)
def test_arguments_are_read_as_people_write_them(text, expected):
    assert read_args(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", {}),
        ("x=1, name='John'", {"x": 1, "name": "John"}),
        ("{'x': 1}", {"x": 1}),
        ("a=[1, (2,)]", {"a": [1, (2,)]}),
    ],
)
def test_keywords_are_read_as_people_write_them(text, expected):
    assert read_kwargs(text) == expected


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("John", "John is a name; write 'John' for a text"),
        ("1,, 2", "invalid syntax"),
        ("open('x')", "open() is not among what can be written here"),
        ("__import__('os').system('true')", "is not among what can be written here"),
        ("datetime.datetime.now()", "is not among what can be written here"),
        ("[x for x in ()]", "malformed"),
        ("date(2026, 13, 1)", "month must be in 1..12"),
        ("Decimal('x')", "ConversionSyntax"),
        ("ZoneInfo('Mars')", "Mars"),
        ("date(**{})", "** is not among"),
        ("{**{}}", "malformed"),
        ("9 ** 9", "malformed"),
        ("'\0'", "null"),
        ("(" * 300, "nested"),
    ],
)
def test_what_cannot_be_read_is_quoted_with_the_reason(text, complaint):
    with pytest.raises(InvalidValue) as raised:
        read_args(text)

    assert complaint in str(raised.value)
    assert "cannot be read" in str(raised.value)


@pytest.mark.parametrize("text", ["1", "x", "f(1)", "**{'a': 1}", "{1: 2}", "{'a b': 1}", "{1, 2}", "x=1) or f(y=2"])
def test_what_are_no_keywords_is_refused(text):
    with pytest.raises(InvalidValue, match="cannot be read"):
        read_kwargs(text)


@pytest.mark.parametrize("value", [object(), [object()], {"a": object()}, lambda: 1, type("Own", (int,), {})(5)])
def test_a_value_without_such_a_form_is_refused_with_the_way_out(value):
    with pytest.raises(InvalidValue, match="pass the key of an object"):
        write_args([value])


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    for read in (read_args, read_kwargs):
        try:
            read(text)
        except InvalidValue:
            pass
