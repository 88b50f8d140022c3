import decimal
import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_q.exceptions import InvalidValue, PayloadError, UnpicklableError
from django_q.kernel import codec as module
from django_q.kernel.codec import Codec, derive_key
from django_q_tests.unit.kernel.functions import Basket, double

KEY, OTHER = derive_key("one"), derive_key("two")
ROW = {"purpose": "args", "task_id": "a" * 32, "func": "shop.tasks.send"}

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
rich = st.recursive(
    st.none() | st.integers() | st.text() | st.binary() | st.decimals(allow_nan=False) | st.datetimes() | st.uuids(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


class Evil:
    """Tells when it is unpickled."""

    loaded = 0

    def __reduce__(self):
        return (Evil.load, ())

    @classmethod
    def load(cls):
        cls.loaded += 1
        return cls()


class Rude:
    def __reduce__(self):
        raise ZeroDivisionError("no pickle for you")

    def __repr__(self):
        raise ValueError("no repr either")


@pytest.fixture
def codec():
    return Codec((KEY,))


@given(rich, st.booleans())
def test_a_value_comes_back_as_it_was(value, compress):
    codec = Codec((KEY,), compress=compress)

    assert codec.decode(codec.encode(value, **ROW), **ROW) == value


@given(plain, st.booleans())
def test_plain_values_come_back_through_json(value, compress):
    codec = Codec((KEY,), serializer="json", compress=compress)

    assert codec.decode(codec.encode(value, **ROW), **ROW) == value


def test_a_large_value_is_smaller_when_compressed():
    value = ("x" * 10_000,)
    blob = Codec((KEY,), compress=True).encode(value, **ROW)

    assert len(blob) < 500
    assert Codec((KEY,)).decode(blob, **ROW) == value


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_what_databases_return_for_bytes_is_read(codec, kind):
    assert codec.decode(kind(codec.encode((1, 2), **ROW)), **ROW) == (1, 2)


@pytest.mark.parametrize("empty", [(), {}, [], "", 0, None, False])
def test_empty_values_are_signed_too(codec, empty):
    blob = codec.encode(empty, **ROW)

    found = codec.decode(blob, **ROW)

    assert found == empty
    assert type(found) is type(empty)
    with pytest.raises(PayloadError):
        Codec((OTHER,)).decode(blob, **ROW)


def test_two_empty_values_are_not_the_same_object(codec):
    blob = codec.encode({}, **ROW)

    codec.decode(blob, **ROW)["x"] = 1

    assert codec.decode(blob, **ROW) == {}


@given(rich, st.data())
def test_a_changed_byte_is_noticed(value, data):
    codec = Codec((KEY,))
    blob = bytearray(codec.encode(value, **ROW))
    position = data.draw(st.integers(0, len(blob) - 1))
    blob[position] ^= data.draw(st.integers(1, 255))

    with pytest.raises(PayloadError):
        codec.decode(bytes(blob), **ROW)


@given(rich, st.data())
def test_a_blob_cut_short_is_noticed(value, data):
    codec = Codec((KEY,))
    blob = codec.encode(value, **ROW)

    with pytest.raises(PayloadError):
        codec.decode(blob[: data.draw(st.integers(0, len(blob) - 1))], **ROW)


@pytest.mark.parametrize("moved", [{"purpose": "kwargs"}, {"task_id": "b" * 32}, {"func": "shop.tasks.refund"}])
def test_a_blob_moved_elsewhere_does_not_verify(codec, moved):
    blob = codec.encode((1,), **ROW)

    with pytest.raises(PayloadError, match="another key, or moved"):
        codec.decode(blob, **{**ROW, **moved})


def test_the_parts_of_the_context_do_not_run_into_each_other(codec):
    blob = codec.encode((1,), purpose="args", task_id="a", func="bc")

    with pytest.raises(PayloadError):
        codec.decode(blob, purpose="args", task_id="ab", func="c")
    with pytest.raises(PayloadError, match="NUL"):
        codec.decode(blob, purpose="args", task_id="a\0b", func="c")


def test_nothing_unsigned_is_unpickled(codec):
    body = pickle.dumps(Evil(), 5)
    forged = codec.encode((1,), **ROW)[:34] + body

    for blob in (body, forged, b"\x51\x00" + body, b"\x51" + bytes(33) + body):
        with pytest.raises(PayloadError):
            codec.decode(blob, **ROW)

    assert Evil.loaded == 0


def test_an_old_key_reads_and_the_first_key_signs():
    old = Codec((KEY,)).encode((1,), **ROW)
    both = Codec((OTHER, KEY))

    assert both.decode(old, **ROW) == (1,)
    assert Codec((OTHER,)).decode(both.encode((2,), **ROW), **ROW) == (2,)
    with pytest.raises(PayloadError, match="SECRET_KEY_FALLBACKS"):
        Codec((OTHER,)).decode(old, **ROW)


def test_keys_do_not_show_in_the_repr(codec):
    assert repr(KEY) not in repr(codec)
    assert derive_key("one") == derive_key(b"one") != derive_key("two")


@pytest.mark.parametrize(
    "blob, reason", [(b"", "empty"), (b"\x80\x05).", "another byte"), (b"\x51" * 9, "truncated"), ("x", "str")]
)
def test_what_is_not_one_of_our_blobs_is_named(codec, blob, reason):
    with pytest.raises(PayloadError, match=reason):
        codec.decode(blob, **ROW)


def test_flags_of_a_newer_version_are_named(codec, monkeypatch):
    monkeypatch.setattr(module, "_dump", lambda *args: (0x0F, b"?"))

    with pytest.raises(PayloadError, match="newer version"):
        codec.decode(codec.encode((1,), **ROW), **ROW)


def test_a_class_that_is_gone_is_named_with_its_cause(codec, monkeypatch):
    blob = codec.encode((Basket(1),), **ROW)
    monkeypatch.delattr("django_q_tests.unit.kernel.functions.Basket")

    with pytest.raises(PayloadError, match="moved or renamed") as caught:
        codec.decode(blob, **ROW)

    assert isinstance(caught.value.__cause__, AttributeError)


def test_a_callable_travels_with_its_arguments(codec):
    blob = codec.encode((4,), callable_=Basket(3), **ROW)

    func, args = codec.decode_call(blob, **ROW)

    assert func(*args) == 7
    assert codec.decode(blob, **ROW) == (4,)


def test_a_blob_without_a_callable_says_none(codec):
    assert codec.decode_call(codec.encode((4,), **ROW), **ROW) == (None, (4,))


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "item", [lambda: 1, threading.Lock(), Rude(), nested(100_000)], ids=["lambda", "lock", "rude", "deep"]
)
def test_the_argument_that_cannot_be_pickled_is_named(codec, item):
    with pytest.raises(UnpicklableError, match="^Argument 2 cannot be pickled") as caught:
        codec.encode((1, item, 3), **ROW)

    assert caught.value.__cause__ is not None


def test_the_keyword_that_cannot_be_pickled_is_named(codec):
    with pytest.raises(UnpicklableError, match="^Keyword 'lock' cannot be pickled"):
        codec.encode({"fine": 1, "lock": threading.Lock()}, purpose="kwargs", task_id="a", func="f")


def test_the_result_that_cannot_be_pickled_is_named(codec):
    with pytest.raises(UnpicklableError, match="^The result cannot be pickled"):
        codec.encode(threading.Lock(), purpose="result", task_id="a", func="f")


def test_the_callable_that_cannot_be_pickled_is_named(codec):
    with pytest.raises(UnpicklableError, match="^The function cannot be pickled"):
        codec.encode((1,), callable_=lambda: 1, **ROW)


def test_json_refuses_what_is_not_json_and_callables(codec):
    with pytest.raises(UnpicklableError, match="^Argument 2 cannot be written as JSON: Decimal"):
        codec.encode((1, decimal.Decimal(1)), serializer="json", **ROW)
    with pytest.raises(UnpicklableError, match="carries no callables"):
        codec.encode((1,), serializer="json", callable_=double, **ROW)


def test_an_unknown_serializer_and_a_codec_without_keys_are_refused(codec):
    with pytest.raises(InvalidValue, match="'yaml'"):
        codec.encode((1,), serializer="yaml", **ROW)
    with pytest.raises(InvalidValue, match="'yaml'"):
        Codec((KEY,), serializer="yaml")
    with pytest.raises(InvalidValue, match="key"):
        Codec(())


def test_a_signature_is_verified_without_unpickling(codec):
    blob = codec.encode(Evil(), **ROW)
    before = Evil.loaded

    codec.verify(blob, **ROW)

    assert Evil.loaded == before
    with pytest.raises(PayloadError, match="signature is wrong"):
        Codec((OTHER,)).verify(blob, **ROW)
    with pytest.raises(PayloadError, match="signature is wrong"):
        codec.verify(blob, **ROW | {"purpose": "kwargs"})


def test_fingerprints_tell_keys_apart_in_their_order():
    both = Codec((KEY, OTHER)).fingerprints()

    assert both == Codec((KEY,)).fingerprints() + Codec((OTHER,)).fingerprints()
    assert len(set(both)) == 2
    assert all(len(mark) == 16 for mark in both)


def test_a_fingerprint_holds_nothing_of_its_key_and_is_no_signature_of_anything(codec):
    (mark,) = codec.fingerprints()

    assert mark not in KEY.hex()
    assert mark not in codec.encode((), **ROW).hex()
