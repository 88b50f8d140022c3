"""What is typed in a terminal becomes the arguments of a call."""

import pytest

from django_q.management.arguments import parse


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("2", 2),
        ("-2.5", -2.5),
        ("None", None),
        ("[1, 'a']", [1, "a"]),
        ("{'a': 1}", {"a": 1}),
        ("hello", "hello"),
        ("two words", "two words"),
        ("'2'", "2"),
        ("", ""),
        ("2026-11-21", "2026-11-21"),
        ("__import__('os').getcwd()", "__import__('os').getcwd()"),
        ("'a=b'", "a=b"),
        ("a.b=c", "a.b=c"),
        ("=5", "=5"),
    ],
)
def test_a_word_is_a_literal_or_a_text(word, value):
    assert parse([word]) == ((value,), {})


def test_a_name_with_a_value_is_a_keyword():
    assert parse(["1", "label=x", "count=3", "text=a=b", "empty="]) == (
        (1,),
        {"label": "x", "count": 3, "text": "a=b", "empty": ""},
    )


def test_a_word_that_python_cannot_parse_for_its_depth_is_a_text():
    deep = "(" * 100_000

    assert parse([deep]) == ((deep,), {})
