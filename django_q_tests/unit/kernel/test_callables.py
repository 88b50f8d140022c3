import functools
import inspect
import math
import random
import subprocess
import sys
from unittest import mock

import pytest

from django_q.exceptions import ClusterError, FunctionNotFound, InvalidValue, UnpicklableError
from django_q.kernel import callables
from django_q_tests.unit.kernel import functions

HERE = functions.__name__


@pytest.fixture(autouse=True)
def fresh():
    callables.forget()


@pytest.mark.parametrize(
    "func, path",
    [
        (math.copysign, "math.copysign"),
        (len, "builtins.len"),
        (dict, "builtins.dict"),
        (dict.fromkeys, "builtins.dict.fromkeys"),
        (random.choice, "random.choice"),
        (functions.double, f"{HERE}.double"),
        (functions.adouble, f"{HERE}.adouble"),
        (functions.wrapped, f"{HERE}.wrapped"),
        (functions.remembered, f"{HERE}.remembered"),
        (functions.Basket, f"{HERE}.Basket"),
        (functions.Basket.count, f"{HERE}.Basket.count"),
        (functions.Basket.weigh, f"{HERE}.Basket.weigh"),
        (functions.Basket.empty, f"{HERE}.Basket.empty"),
        (functions.BigBasket.empty, f"{HERE}.BigBasket.empty"),
        (functions.BigBasket.count, f"{HERE}.Basket.count"),
        (functions.Basket.Handle.grip, f"{HERE}.Basket.Handle.grip"),
    ],
)
def test_what_a_worker_finds_by_name_has_a_path_that_leads_back(func, path):
    assert callables.path_of(func) == path
    assert callables.resolve(path) == func


@pytest.mark.parametrize("func", [functools.partial(len), functions.Basket(), functions.Basket(1).count, [].append])
def test_what_has_a_state_of_its_own_has_no_path(func):
    assert callables.path_of(func) is None


@pytest.mark.parametrize(
    "func, reason",
    [
        (functions.shout, "is a lambda"),
        (functions.make_local(), "inside a function"),
        (functools.partial(functions.make_local()), "inside a function"),
        (inspect.unwrap(functions.wrapped), "decorator"),
    ],
)
def test_what_no_worker_can_find_is_refused_with_a_remedy(func, reason):
    with pytest.raises(UnpicklableError, match=reason) as caught:
        callables.path_of(func)

    assert "<function" in str(caught.value)
    assert "pass" in str(caught.value)


def test_a_function_of_the_main_module_is_refused():
    code = (
        "from django_q.kernel import callables\n"
        "from functools import partial\n"
        "def f(): pass\n"
        "class C:\n    def m(self): pass\n"
        "for func in (f, C, C().m, partial(f), lambda: 1):\n"
        "    try: callables.path_of(func)\n"
        "    except TypeError as error: assert '__main__' in str(error), error\n"
        "    else: raise SystemExit(repr(func))\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_colon_may_part_module_and_function():
    assert callables.resolve("math:copysign") is math.copysign
    assert callables.resolve(f"{HERE}:Basket.weigh") is functions.Basket.weigh
    assert callables.normalize("shop.tasks:send") == "shop.tasks.send"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "len",
        ".",
        "a.",
        ".a",
        "a..b",
        "a b.c",
        "a.b-c",
        "a.1b",
        "a.b()",
        "a:b:c",
        "a/b.c",
        " a.b",
        "a." + "b" * 255,
        None,
        5,
        ["a.b"],
    ],
)
def test_what_is_no_path_is_refused_with_its_repr(path):
    for function in (callables.normalize, callables.resolve):
        with pytest.raises(InvalidValue) as caught:
            function(path)

        assert repr(path) in str(caught.value)


@pytest.mark.parametrize(
    "path, reason, suggestion",
    [
        ("math.copysing", "module 'math' has no attribute 'copysing'", "math.copysign"),
        ("mathh.copysign", "no module 'mathh'", "math.copysign"),
        ("xml.etre.ElementTree.parse", "no module 'xml.etre'", "xml.etree.ElementTree.parse"),
        (f"{HERE}.Basket.cuont", "class .* has no attribute 'cuont'", f"{HERE}.Basket.count"),
        (f"{HERE}.Baskt.count", "has no attribute 'Baskt'", f"{HERE}.Basket.count"),
        ("math.qqqqqqqqqq", "has no attribute", None),
    ],
)
def test_a_missing_function_says_what_is_missing_and_what_is_near(path, reason, suggestion):
    with pytest.raises(FunctionNotFound, match=reason) as caught:
        callables.resolve(path)

    assert isinstance(caught.value, ClusterError)
    assert repr(path) in str(caught.value)
    assert caught.value.path == path
    assert caught.value.suggestion == suggestion
    assert suggestion is None or repr(suggestion) in str(caught.value)


@pytest.mark.parametrize("path", ["math.pi", "xml.etree", f"{HERE}.Basket.limit", "sys.__spec__.parent"])
def test_what_cannot_be_called_is_refused(path):
    with pytest.raises(FunctionNotFound, match="is not callable"):
        callables.resolve(path)


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Write modules of their own, which are forgotten after the test."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(**sources):
        for name, source in sources.items():
            path = tmp_path / (name.replace("__in__", "/") + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(source)

    yield write
    for name in set(sys.modules) - before:
        if name.startswith("planted"):
            del sys.modules[name]


def test_a_bare_module_on_the_path_is_found(modules):
    modules(planted_tasks="def send(): return 'sent'\n")

    assert callables.resolve("planted_tasks.send")() == "sent"


@pytest.mark.parametrize(
    "source, error",
    [
        ("import no_such_module_at_all\n", ModuleNotFoundError),
        ("from planted_broken import tasks\n", ImportError),
        ("import planted_broken.tasks.more\n", ModuleNotFoundError),
        ("raise ModuleNotFoundError('planted_broken', name='planted_broken')\n", ModuleNotFoundError),
        ("1 / 0\n", ZeroDivisionError),
    ],
)
def test_an_error_from_inside_a_module_is_passed_on_unchanged(modules, source, error):
    modules(planted_broken=source)

    for _ in range(2):  # the second time must not be taken for a missing module
        with pytest.raises(error) as caught:
            callables.resolve("planted_broken.send")

        assert not isinstance(caught.value, FunctionNotFound)


def test_an_error_from_inside_a_submodule_is_passed_on_unchanged(modules):
    modules(planted__in____init__="", planted__in__tasks="import planted.missing\n")

    with pytest.raises(ModuleNotFoundError, match="planted.missing") as caught:
        callables.resolve("planted.tasks.send")

    assert not isinstance(caught.value, FunctionNotFound)


def test_a_class_may_bear_the_name_of_the_module_beside_it(modules):
    modules(
        planted__in____init__="from planted.Job import Job\n",
        planted__in__Job="class Job:\n    @staticmethod\n    def run(): return 'ran'\n",
    )

    assert callables.resolve("planted.Job.run")() == "ran"


def test_a_failure_is_not_remembered(modules):
    with pytest.raises(FunctionNotFound):
        callables.resolve("planted_later.send")

    modules(planted_later="def send(): return 'sent'\n")
    sys.path_importer_cache.clear()

    assert callables.resolve("planted_later.send")() == "sent"


def test_a_patched_function_is_seen_although_the_path_was_resolved_before():
    path = f"{HERE}.double"
    callables.resolve(path)

    with mock.patch(path, return_value="patched") as patched:
        assert callables.resolve(path) is patched
    assert callables.resolve(path) is functions.double


def test_a_module_that_was_loaded_anew_is_seen(modules):
    modules(planted_twice="def send(): pass\n")
    first = callables.resolve("planted_twice.send")
    del sys.modules["planted_twice"]

    assert callables.resolve("planted_twice.send") is not first


def test_resolved_paths_are_bounded(monkeypatch):
    monkeypatch.setattr(callables, "_MAXIMUM_CACHED", 3)

    for name in ("sin", "cos", "tan", "exp", "log"):
        callables.resolve(f"math.{name}")

    assert len(callables._places) <= 3


@pytest.mark.parametrize(
    "func, name",
    [
        (functools.partial(math.copysign, 1), "functools.partial(math.copysign)"),
        (functools.partial(functools.partial(len)), "functools.partial(builtins.len)"),
        (functions.Basket(), f"{HERE}.Basket"),
        (functions.Basket().count, f"{HERE}.Basket.count"),
        (functions.BigBasket.empty, f"{HERE}.BigBasket.empty"),
        ([].append, "builtins.list.append"),
        (functions.double, f"{HERE}.double"),
        (functions.Basket, f"{HERE}.Basket"),
    ],
)
def test_a_pickled_callable_has_a_name_for_people(func, name):
    assert callables.display_name(func) == name


def test_a_name_for_people_fits_its_column():
    func = type("Long" * 100, (), {"__call__": lambda self: None})()

    assert len(callables.display_name(func)) == 255


def test_signatures_are_told_where_there_are_any():
    assert list(callables.signature_of(functions.double).parameters) == ["number"]
    assert callables.signature_of(functions.double) is callables.signature_of(functions.double)
    assert list(callables.signature_of(functools.partial(functions.double, 1)).parameters) == []
    assert list(callables.signature_of(functions.Basket()).parameters) == ["number"]
    assert callables.signature_of(dict) is None


@pytest.mark.parametrize("func", [functions.adouble, functools.partial(functions.adouble, 1), functions.AsyncBasket()])
def test_coroutine_functions_are_recognised(func):
    assert callables.is_async(func)


@pytest.mark.parametrize(
    "func", [functions.double, functions.Basket(), functions.AsyncBasket, len, mock.Mock(), functools.partial(len)]
)
def test_other_functions_are_not_async(func):
    assert not callables.is_async(func)
