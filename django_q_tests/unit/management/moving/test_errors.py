"""The errors that Django Q stores as results."""

import pytest

from django_q.management.moving.history import error_of

HEAD = (
    'broken : Traceback (most recent call last):\n  File "/shop/tasks.py", line 7, in send\n    raise Odd("broken")\n'
)
CHAINED = (
    f"{HEAD}KeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\n\n"
    'Traceback (most recent call last):\n  File "/shop/tasks.py", line 9, in send\n    raise Odd\nshop.Odd: broken\n'
)


@pytest.mark.parametrize(("result", "error"), [
    (f"{HEAD}shop.Odd: broken\n", "shop.Odd: broken"),
    (f"{HEAD}shop.Odd: broken\nin two lines\n", "shop.Odd: broken"),
    (CHAINED, "shop.Odd: broken"),
    (HEAD, "broken"),
    ("Function x is not defined", "Function x is not defined"),
    ("", ""),
    (7, "7"),
])  # fmt: skip
def test_the_line_that_names_the_error_is_found(result, error):
    assert error_of(result)[0] == error


def test_the_traceback_is_all_that_follows():
    assert error_of(CHAINED)[1] == CHAINED.removeprefix("broken : ")
    assert error_of("Function x is not defined")[1] == ""
