"""What Django Q packed: read only if it is ours, and told apart as Django Q does."""

import pytest

from django_q.exceptions import PayloadError
from django_q.management.moving.packages import open_column, open_package, split
from django_q_tests.integration.moving import old


def test_a_package_that_we_signed_is_opened():
    call = old.package("a.b", (1,), kwargs={"x": 2}, group="g", timeout=5, chain=["c.d"], iter_count=3, sync=False)

    found = open_package(old.signed(call, compress=True), name="default")

    assert (found.id, found.func, found.args, found.kwargs) == (call["id"], "a.b", (1,), {"x": 2})
    assert (found.options, found.chain, found.iteration) == ({"group": "g", "timeout": 5}, ("c.d",), 3)
    assert found.started == call["started"]


@pytest.mark.parametrize(
    "change", [lambda text: text[:-1], lambda text: "A" + text, lambda text: text.split(":")[0], str.upper]
)
def test_a_package_that_was_changed_is_not_opened(change, tmp_path):
    payload = old.signed(old.package(args=(old.Bomb(tmp_path / "exploded"),)))

    with pytest.raises(PayloadError, match="it is not signed with this SECRET_KEY under the name 'default'"):
        open_package(change(payload), name="default")

    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("value", ["a text", {"id": "1"}, None])
def test_what_is_signed_and_no_call_is_refused(value):
    with pytest.raises(PayloadError, match="no task: parts are missing"):
        open_package(old.signed(value), name="default")


@pytest.mark.parametrize(("keywords", "given", "rest"), [
    ({"x": 1}, {}, {"x": 1}),
    ({"x": 1, "timeout": 5}, {"timeout": 5}, {"x": 1}),
    ({"q_options": {"group": "g"}, "timeout": 5}, {"group": "g", "timeout": 5}, {}),
    # Where both say it, the keyword is the function's.
    ({"q_options": {"group": "g"}, "group": "h"}, {"group": "g"}, {"group": "h"}),
    # An option of ours, which Django Q does not know.
    ({"priority": 5}, {}, {"priority": 5}),
    ({"q_options": None, "x": 1}, {}, {"x": 1}),
])  # fmt: skip
def test_options_are_told_from_keywords_as_django_q_does(keywords, given, rest):
    before = dict(keywords)

    assert split(keywords) == (given, rest)
    assert keywords == before


def test_a_column_is_opened_or_says_why_not():
    assert open_column(old.pickled({"a": [1]})) == {"a": [1]}
    assert open_column(None) is None
    with pytest.raises(PayloadError, match="no pickle"):
        open_column("%%%")
    with pytest.raises(PayloadError, match="cannot be unpickled here"):
        open_column("gASVAA==")
