import warnings
from datetime import datetime, timedelta, timezone
from functools import partial

import pytest
from django.test import override_settings

from django_q import conf
from django_q.brokers import current_broker
from django_q.exceptions import InvalidOption, InvalidValue, UnpicklableError
from django_q.kernel import clock
from django_q.kernel.retry import Backoff
from django_q.tasks import options
from django_q.tasks.options import OPTIONS, RESERVED, SHARED

# A value for each option, and another one.
VALUES = {
    "hook": ("builtins.print", "math.floor"),
    "group": ("a", "b"),
    "save": (True, False),
    "sync": (True, False),
    "cached": (True, 60),
    "ack_failure": (True, False),
    "broker": (None, None),
    "cluster": ("fast", "slow"),
    "timeout": (5, 6),
    "task_name": ("one", "two"),
    "priority": (1, 2),
    "run_after": (timedelta(1), timedelta(2)),
    "max_attempts": (3, 4),
    "backoff": (5, 6),
    "serializer": ("json", "pickle"),
    "expires": (60, 90),
}
HERE = __name__


def plain(number=0):
    return number


def greedy(**kwargs):
    return kwargs


def keyword_only(*, priority):
    return priority


def position_only(priority, /, **kwargs):
    return priority


def retired(redis, list_key):
    return redis, list_key


def naming(*names):
    """Return a function whose parameters have these names."""
    space = {}
    exec(f"def named({', '.join(f'{name}=None' for name in names)}): return locals()", space)
    return space["named"]


# The same as module level functions, so that a path leads to them.
for each in OPTIONS:
    globals()[f"takes_{each}"] = naming(each)


@pytest.fixture(autouse=True)
def nothing_warned_yet():
    options._warned.clear()


def test_every_option_has_a_value_in_these_tests():
    assert set(VALUES) == OPTIONS == RESERVED | SHARED


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_a_function_without_the_parameter_leaves_the_keyword_to_the_option(name):
    value = VALUES[name][0]

    assert options.split(plain, {name: value, "number": 1}) == ({name: value}, {"number": 1})


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_name_of_django_q_is_the_option_even_if_the_function_has_the_parameter(name):
    value = VALUES[name][0]

    for func in (globals()[f"takes_{name}"], f"{HERE}.takes_{name}"):
        assert options.split(func, {name: value}) == ({name: value}, {})


@pytest.mark.parametrize("name", sorted(SHARED))
def test_a_new_name_belongs_to_the_function_that_has_the_parameter(name):
    value = VALUES[name][0]

    for func in (globals()[f"takes_{name}"], f"{HERE}.takes_{name}", f"{HERE}:takes_{name}"):
        assert options.split(func, {name: value}) == ({}, {name: value})


@pytest.mark.parametrize("name", sorted(SHARED))
@pytest.mark.parametrize("func", [greedy, f"{HERE}.greedy"])
def test_a_new_name_is_the_option_of_a_function_with_any_keyword_and_a_warning_says_so_once(name, func):
    value = VALUES[name][0]

    with pytest.warns(UserWarning, match=f"'{name}' is taken as an option.*greedy"):
        assert options.split(func, {name: value}) == ({name: value}, {})

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert options.split(func, {name: value}) == ({name: value}, {})


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_name_of_django_q_is_the_option_of_a_function_with_any_keyword_without_a_warning(name):
    value = VALUES[name][0]

    assert options.split(greedy, {name: value}) == ({name: value}, {})


@pytest.mark.parametrize("name", sorted(OPTIONS))
@pytest.mark.parametrize("kind", ["named", "greedy", "named path", "greedy path", "unknown path"])
def test_q_options_wins_and_leaves_the_keyword_to_the_function(name, kind):
    ours, theirs = VALUES[name]
    func = {
        "named": globals()[f"takes_{name}"],
        "greedy": greedy,
        "named path": f"{HERE}.takes_{name}",
        "greedy path": f"{HERE}.greedy",
        "unknown path": "nowhere.at_all",
    }[kind]

    assert options.split(func, {name: theirs, "q_options": {name: ours}}) == ({name: ours}, {name: theirs})


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_a_path_that_leads_nowhere_here_leaves_the_keyword_to_the_option(name):
    value = VALUES[name][0]

    assert options.split("nowhere.at_all", {name: value}) == ({name: value}, {})


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_path_is_not_imported_for_a_name_of_django_q(name, monkeypatch):
    monkeypatch.setattr(options.lookup.callables, "resolve", lambda path: pytest.fail(f"imported {path}"))

    assert options.split(f"{HERE}.greedy", {name: VALUES[name][0], "other": 1})[1] == {"other": 1}


def test_a_keyword_only_parameter_counts_and_a_positional_only_one_does_not():
    assert options.split(keyword_only, {"priority": 1}) == ({}, {"priority": 1})
    with pytest.warns(UserWarning, match="priority"):
        assert options.split(position_only, {"priority": 1}) == ({"priority": 1}, {})


def test_what_a_partial_has_bound_counts_as_its_parameter():
    assert options.split(partial(keyword_only, priority=1), {"priority": 2}) == ({}, {"priority": 2})


def test_the_callers_q_options_are_left_alone():
    q_options = {"group": "a"}

    options.split(plain, {"q_options": q_options, "save": False})

    assert q_options == {"group": "a"}


def test_no_q_options_at_all_may_be_none():
    assert options.split(plain, {"q_options": None}) == ({}, {})


def test_an_unknown_key_of_q_options_names_the_nearest_one():
    with pytest.raises(InvalidOption, match="no option 'time_out'. Did you mean the option 'timeout'"):
        options.split(plain, {"q_options": {"time_out": 5}})


def test_q_options_that_are_no_dict_are_refused():
    with pytest.raises(InvalidValue, match="is not a dict"):
        options.split(plain, {"q_options": ["timeout"]})


@pytest.mark.parametrize("name", ["redis", "list_key"])
def test_a_keyword_of_the_first_versions_is_ignored_with_a_warning(name):
    with pytest.warns(DeprecationWarning, match=f"'{name}' is ignored") as caught:
        assert options.split(plain, {name: object(), "number": 1}) == ({}, {"number": 1})

    assert caught[0].filename == __file__


@pytest.mark.parametrize("func", [retired, f"{HERE}.retired"])
def test_a_keyword_of_the_first_versions_is_the_functions_if_it_names_it(func):
    assert options.split(func, {"redis": 1, "list_key": 2}) == ({}, {"redis": 1, "list_key": 2})


# --- the call ------------------------------------------------------------------------------------------------------


def test_an_unknown_keyword_names_the_nearest_option():
    with pytest.raises(InvalidOption, match=r"got 'prioriti', .* Did you mean the option 'priority'\?"):
        options.check_call(plain, (), {"prioriti": 1})


def test_an_unknown_keyword_names_the_nearest_parameter():
    with pytest.raises(InvalidOption, match=r"got 'numbr', .* Did you mean the parameter 'number'\?"):
        options.check_call(plain, (), {"numbr": 1})


def test_an_unknown_keyword_like_no_other_is_named_alone():
    with pytest.raises(InvalidOption, match="got 'xyzzy', .*plain.$"):
        options.check_call(plain, (), {"xyzzy": 1})


def test_a_missing_argument_is_a_type_error_at_the_call():
    with pytest.raises(TypeError, match="keyword_only.*missing a required"):
        options.check_call(keyword_only, (), {})


def test_too_many_arguments_are_a_type_error_at_the_call():
    with pytest.raises(InvalidOption, match="too many positional"):
        options.check_call(plain, (1, 2), {})


def test_a_path_and_a_builtin_without_signature_are_not_checked():
    options.check_call(f"{HERE}.plain", (1, 2, 3), {"what": 1})
    options.check_call(max, (1, 2), {"what": 1})


# --- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(OPTIONS - {"broker", "expires"}))
def test_each_option_takes_its_values(name):
    for value in VALUES[name]:
        parsed = options.parse({name: value})

        held = parsed.carried[name] if name in parsed.carried else getattr(parsed, name)
        assert held == value


@pytest.mark.parametrize("value", [60, 60.0, timedelta(seconds=60), "moment"])
def test_a_task_expires_at_a_moment_or_after_a_time(value):
    value = clock.now() + timedelta(seconds=60) if value == "moment" else value

    assert options.parse({"expires": value}).carried["expires"] == pytest.approx(clock.epoch() + 60, abs=30)


@pytest.mark.parametrize("value", [0, -1, True, "soon", float("inf"), float("nan"), timedelta(0)])
def test_a_time_after_which_nothing_can_expire_is_refused(value):
    with pytest.raises(InvalidValue, match="expires="):
        options.parse({"expires": value})


@pytest.mark.parametrize("name", sorted(OPTIONS - {"timeout"}))
def test_none_stands_for_not_given(name):
    assert options.parse({name: None}) == options.NOTHING


def test_no_timeout_is_something_that_can_be_asked_for():
    assert options.parse({"timeout": None}).carried == {"timeout": None}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("timeout", value) for value in (0, -1, True, "5", float("nan"), float("inf"), timedelta(1))],
        *[("max_attempts", value) for value in (-1, 1.5, True, "3")],
        *[("priority", value) for value in (-32769, 32768, 1.0, True, "high")],
        *[("run_after", value) for value in (5, "tomorrow", timedelta.max)],
        *[("backoff", value) for value in (-1, "soon", [], {"kind": "odd"}, float("inf"))],
        *[(name, value) for name in ("group", "task_name", "cluster") for value in ("", 5, "x" * 101, "a\0b")],
        *[(name, value) for name in ("save", "sync", "ack_failure") for value in (1, 0, "yes")],
        *[("cached", value) for value in (0, -5, 1.5, "yes")],
        *[("serializer", value) for value in ("yaml", 5)],
        *[("hook", value) for value in ("print", 5, "a.b c", "a." + "b" * 254)],
        ("broker", "redis"),
    ],
)
def test_a_value_that_cannot_be_used_is_shown(name, value):
    with pytest.raises(InvalidValue) as caught:
        options.parse({name: value})

    assert name in str(caught.value) or repr(value) in str(caught.value)


def test_a_broker_is_one_of_ours():
    broker = current_broker()

    assert options.parse({"broker": broker}).broker is broker


def test_a_hook_without_a_path_is_kept_and_a_lambda_refused():
    hook = partial(plain, 1)

    assert options.parse({"hook": hook}).hook is hook
    assert options.parse({"hook": plain}).hook == f"{HERE}.plain"
    assert options.parse({"hook": "math:floor"}).hook == "math.floor"
    with pytest.raises(UnpicklableError, match="lambda"):
        options.parse({"hook": lambda task: None})


@override_settings(TIME_ZONE="Europe/Berlin")
def test_a_moment_without_a_time_zone_is_in_the_current_one_and_a_warning_says_so():
    with pytest.warns(RuntimeWarning, match="names no time zone") as caught:
        moment = options.parse({"run_after": datetime(2030, 7, 1, 12)}).run_after  # noqa: DTZ001

    assert moment == datetime(2030, 7, 1, 10, tzinfo=timezone.utc)
    assert caught[0].filename == __file__


@override_settings(USE_TZ=False)
def test_without_use_tz_moments_carry_no_time_zone():
    naive = datetime(2030, 7, 1, 12)  # noqa: DTZ001

    assert options.parse({"run_after": naive}).run_after == naive
    assert options.parse({"run_after": datetime(2030, 7, 1, 12, tzinfo=timezone.utc)}).run_after.tzinfo is None


def test_a_row_carries_only_what_was_given():
    backoff = Backoff(kind="fixed", delay=2, maximum=3600, jitter=0)
    given = options.parse({"timeout": 5, "save": False, "group": "a", "backoff": backoff})

    assert given.as_json(conf.current()) == '{"timeout":5,"save":false,"backoff":2}'
    assert options.NOTHING.as_json(conf.current()) == ""
    assert options.NOTHING.as_json(conf.current(), hook_pickled=True) == '{"hook_pickled":true}'


@override_settings(Q_CLUSTER={"timeout": 5, "max_attempts": 3, "ack_failures": True, "cached": 1, "backoff": 7})
def test_a_row_carries_nothing_that_the_settings_say_as_well():
    given = {"timeout": 5, "max_attempts": 3, "ack_failure": True, "cached": 1, "save": True, "backoff": 7}

    assert options.parse(given).as_json(conf.current()) == ""
    assert options.parse({"cached": True, "timeout": None}).as_json(conf.current()) == '{"cached":true,"timeout":null}'
