import inspect
import re

import pytest

from django_q import testing
from django_q_tests.support.own_database import ROOT

PAGE = (ROOT / "docs" / "reference" / "testing.rst").read_text(encoding="utf-8")


def test_the_face_and_its_table_agree():
    assert sorted(testing.__all__) == sorted(testing._PUBLIC)
    assert all(
        getattr(testing, name).__module__ == f"django_q.testing.{testing._PUBLIC[name]}" for name in testing.__all__
    )


@pytest.mark.parametrize("name", testing.__all__)
def test_every_name_is_documented(name):
    assert re.search(rf"^\.\. py:(function|class|exception):: {name}\b", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name in testing.__all__ if inspect.isfunction(getattr(testing, name))])
def test_a_function_is_documented_with_its_parameters(name):
    documented = re.search(rf"py:function:: {name}\((.*)\)", PAGE)[1].replace(" ", "")
    signature = inspect.signature(getattr(testing, name))
    plain = signature.replace(
        parameters=[each.replace(annotation=each.empty) for each in signature.parameters.values()],
        return_annotation=signature.empty,
    )

    assert str(plain).strip("()").replace("<ANY>", "ANY").replace(" ", "") == documented


@pytest.mark.parametrize("kind", [testing.Run, testing.Enqueued])
def test_every_field_is_documented(kind):
    part = PAGE.partition(f"py:class:: {kind.__name__}\n")[2].partition(".. py:")[0]
    public = [name for name in kind.__dataclass_fields__ if name != "stored"]

    assert [name for name in public if f"``{name}``" not in part] == []
