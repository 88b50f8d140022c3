"""Settings that are a dict of options: what is read, and what is complained of."""

import pytest

from django_q.exceptions import InvalidSettings
from django_q.option_dicts import OptionDict


@pytest.fixture
def shop():
    def remedy(key, value):
        return "" if isinstance(value, int) else "Write a number."

    return OptionDict("SHOP", {"shelves": 3, "doors": 1}, remedy, example="{'doors': 2}")


def test_a_key_has_the_value_that_is_set_when_it_is_read_or_its_default(shop, settings):
    assert shop.value("doors") == 1

    settings.SHOP = {"doors": 2}

    assert (shop.value("doors"), shop.value("shelves")) == (2, 3)


def test_what_a_key_means_that_is_not_set_may_be_found_elsewhere(settings):
    shop = OptionDict("SHOP", {"doors": 1}, lambda key, value: "", example="{}", default_of=lambda key: f"other {key}")

    assert shop.value("doors") == "other doors"


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"doors": "two"}, "SHOP['doors'] is 'two'. Write a number."),
        ("doors", "SHOP is 'doors', not a dict. Write SHOP = {'doors': 2}, for example."),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_remedy(shop, settings, given, complaint):
    settings.SHOP = given

    assert shop.complaints() == [complaint]
    with pytest.raises(InvalidSettings) as raised:
        shop.value("doors")
    assert str(raised.value) == complaint


def test_an_unknown_key_is_answered_with_the_nearest_one_or_all(shop):
    assert shop.complaints({"door": 1, "x": 1}) == [
        "SHOP has a key 'door' that does not exist. Did you mean 'doors'?",
        "SHOP has a key 'x' that does not exist. Choose among 'shelves', 'doors'.",
    ]
