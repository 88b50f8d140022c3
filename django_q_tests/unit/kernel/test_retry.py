import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_q.exceptions import InvalidValue
from django_q.kernel.retry import Backoff

spans = st.floats(min_value=0, max_value=1e6, allow_nan=False)
backoffs = st.one_of(
    st.none(),
    spans,
    st.lists(spans, min_size=1, max_size=5),
    st.fixed_dictionaries(
        {},
        optional={
            "kind": st.sampled_from(["exponential", "linear", "fixed"]),
            "delay": spans,
            "factor": st.floats(min_value=1, max_value=10),
            "maximum": st.floats(min_value=1e6, max_value=1e9),
            "jitter": st.floats(min_value=0, max_value=1),
        },
    ),
)


def middle():
    return 0.5


def test_the_default_doubles_from_five_seconds_up_to_an_hour():
    backoff = Backoff.parse(None)

    assert [backoff.seconds(attempt, middle) for attempt in (1, 2, 3, 4)] == [5, 10, 20, 40]
    assert backoff.seconds(5000, middle) == 3600


def test_jitter_spreads_a_pause_by_its_share():
    backoff = Backoff.parse({"delay": 100, "jitter": 0.1})

    assert backoff.seconds(1, lambda: 0.0) == pytest.approx(90)
    assert backoff.seconds(1, lambda: 1.0) == pytest.approx(110)


def test_a_number_is_the_same_pause_each_time():
    backoff = Backoff.parse(7200)

    assert {backoff.seconds(attempt, middle) for attempt in range(1, 9)} == {7200}


def test_a_timedelta_is_seconds():
    assert Backoff.parse(timedelta(minutes=1)) == Backoff.parse(60)


def test_the_last_pause_of_a_list_repeats():
    backoff = Backoff.parse([1, 5, 60])

    assert [backoff.seconds(attempt, middle) for attempt in (1, 2, 3, 4, 99)] == [1, 5, 60, 60, 60]


def test_a_linear_backoff_grows_by_its_delay():
    backoff = Backoff.parse({"kind": "linear", "delay": 10, "maximum": 25, "jitter": 0})

    assert [backoff.seconds(attempt, middle) for attempt in (1, 2, 3)] == [10, 20, 25]


def test_a_polynomial_backoff_adds_a_power_of_the_attempt():
    backoff = Backoff.parse({"kind": "polynomial", "delay": 5, "factor": 4, "maximum": 10**7, "jitter": 0})

    assert [backoff.seconds(attempt, middle) for attempt in (1, 2, 3, 4, 5)] == [6, 21, 86, 261, 630]


@given(backoffs, st.integers(min_value=-5, max_value=10**6), st.floats(min_value=0, max_value=1))
def test_every_pause_is_finite_and_not_negative(value, attempt, luck):
    pause = Backoff.parse(value).seconds(attempt, lambda: luck)

    assert 0 <= pause <= 2e9


@given(backoffs)
def test_a_backoff_survives_json(value):
    backoff = Backoff.parse(value)

    assert Backoff.parse(json.loads(json.dumps(backoff.as_json()))) == backoff


@pytest.mark.parametrize(
    "nonsense",
    [
        -1,
        float("nan"),
        float("inf"),
        10**400,
        True,
        "5",
        b"5",
        object(),
        [],
        [1, -1],
        [1, "2"],
        {"delay": -1},
        {"delay": True},
        {"kind": "quadratic"},
        {"kind": []},
        {"dealy": 5},
        {"factor": 0.5},
        {"jitter": 2},
        {"delay": 10, "maximum": 5},
    ],
)
def test_nonsense_is_refused_with_its_repr_and_a_remedy(nonsense):
    with pytest.raises(InvalidValue) as caught:
        Backoff.parse(nonsense)

    assert repr(nonsense) in str(caught.value)
    assert "Write seconds" in str(caught.value)
