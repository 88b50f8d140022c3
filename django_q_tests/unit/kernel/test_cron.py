from datetime import datetime, timedelta

import pytest
from croniter import croniter
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from django_q.exceptions import InvalidValue
from django_q.kernel.cron import MACROS, Cron

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2080, 1, 1))


def field(least, most, *, star_steps=True):
    """Texts that every cron reads alike."""
    number = st.integers(least, most)
    pairs = st.tuples(number, number).map(sorted).filter(lambda span: span[0] < span[1])
    spans = pairs.map(lambda span: f"{span[0]}-{span[1]}")
    stepped = st.tuples(spans, st.integers(1, most)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    lists = st.lists(st.one_of(number.map(str), spans), min_size=1, max_size=4).map(",".join)
    every = st.integers(1, most).map(lambda step: f"*/{step}") if star_steps else st.nothing()
    return st.one_of(st.just("*"), number.map(str), spans, stepped, lists, every)


# Days up to the 28th only: both oracles give up at once when a date never comes.
FIELDS = (field(0, 59), field(0, 23), field(1, 28, star_steps=False), field(1, 12), field(0, 6, star_steps=False))
EXPRESSIONS = st.tuples(*FIELDS).map(" ".join)


@given(EXPRESSIONS, MOMENTS)
def test_the_next_moments_are_those_of_cronsim(text, moment):
    cron, oracle = Cron.parse(text), CronSim(text, moment)

    for _ in range(5):
        moment = cron.after(moment)
        assert moment == next(oracle)


@given(EXPRESSIONS, MOMENTS)
def test_the_next_moments_are_those_of_croniter(text, moment):
    cron, oracle = Cron.parse(text), croniter(text, moment)

    for _ in range(5):
        moment = cron.after(moment)
        assert moment == oracle.get_next(datetime)


@given(st.tuples(*FIELDS, field(0, 59)).map(" ".join), MOMENTS)
def test_a_sixth_field_is_of_seconds(text, moment):
    cron, oracle = Cron.parse(text), croniter(text, moment)

    for _ in range(5):
        moment = cron.after(moment)
        assert moment == oracle.get_next(datetime)


@pytest.mark.parametrize("text", ["0 0 L * *", "0 0 * * 5L", "0 0 * * 1#2", "0 0 1,L * *", "5 4 29 2 *", "0 0 * * 7"])
def test_last_and_numbered_days_are_those_of_cronsim(text):
    moment = datetime(2023, 12, 31)
    cron, oracle = Cron.parse(text), CronSim(text, moment)

    for _ in range(30):
        moment = cron.after(moment)
        assert moment == next(oracle)


@pytest.mark.parametrize(
    "text, same",
    [
        ("0 0 1 JAN SUN", "0 0 1 1 0"),
        ("0 0 * * mon-fri", "0 0 * * 1-5"),
        ("0 0 * * fri-sun", "0 0 * * 5-7"),
        ("0 0 * * L5", "0 0 * * 5L"),
        ("0 0 ? * *", "0 0 * * *"),
        ("5/20 * * * *", "5-59/20 * * * *"),
        ("0  9 * *\t*", "0 9 * * *"),
        *MACROS.items(),
    ],
)
def test_one_schedule_can_be_written_in_several_ways(text, same):
    first, second = Cron.parse(text), Cron.parse(same)
    moment = datetime(2026, 1, 1)

    for _ in range(50):
        moment = first.after(moment)
        assert moment == second.after(moment - timedelta(microseconds=1))


def test_a_star_with_steps_makes_both_days_necessary_as_in_debian():
    moment = Cron.parse("0 0 */2 * 1").after(datetime(2026, 1, 1))

    assert moment == datetime(2026, 1, 5)  # a Monday with an odd number, not just one of both


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("", "it has 0 fields"),
        ("* * * *", "it has 4 fields"),
        ("* * * * * * *", "it has 7 fields"),
        ("60 * * * *", "'60' is not a minute from 0 to 59"),
        ("* 24 * * *", "'24' is not a hour from 0 to 23"),
        ("* * 0 * *", "'0' is not a day of the month from 1 to 31"),
        ("* * * 13 *", "'13' is not a month from 1 to 12"),
        ("* * * foo *", "'foo' is not a month"),
        ("* * * * 8", "'8' is not a day of the week from 0 to 7"),
        ("*/0 * * * *", "'*/0' has steps of 0"),
        ("9-5 * * * *", "'9-5' runs backwards"),
        ("-1 * * * *", "'' is not a minute"),
        ("1,,2 * * * *", "'' is not a minute"),
        ("1.5 * * * *", "'1.5' is not a minute"),
        ("²  * * * *", "'²' is not a minute"),
        ("* * * * 1#6", "'1#6' is not a day of the week"),
        ("@reboot", "it has 1 fields"),
        ("0 0 31 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
    ],
)
def test_what_is_wrong_with_an_expression_is_told(text, complaint):
    with pytest.raises(InvalidValue) as raised:
        Cron.parse(text)

    assert complaint in str(raised.value)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize("text", [None, 5, ["*"] * 5])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(InvalidValue, match="Write '0 9"):
        Cron.parse(text)


@given(st.text(alphabet="0123456789*/,-L#?abcSUNjan @", max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        Cron.parse(text).after(datetime(2026, 1, 1))
    except InvalidValue:
        pass


def test_the_end_of_time_is_the_end():
    assert Cron.parse("0 0 1 1 *").after(datetime(9999, 6, 1)) is None
