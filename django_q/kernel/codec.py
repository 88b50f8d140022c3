"""Arguments and results to signed bytes and back; nothing unsigned is ever unpickled.

A blob is one magic byte, one byte of flags, 32 bytes of HMAC-SHA256 and the body. The MAC covers what the blob is for
(purpose, task id, function), so that a blob copied to another row, column or function does not verify.
"""

import hmac
import json
import pickle  # noqa: S403 - loads only what was signed with one of our keys
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast

from django_q.exceptions import InvalidValue, PayloadError, UnpicklableError

SERIALIZERS = ("pickle", "json")

Blob = bytes | bytearray | memoryview

# Not HIGHEST_PROTOCOL: during an upgrade of Python, old and new workers read the same queue.
_PROTOCOL = 5
_MAGIC = b"\x51"
_COMPRESSED = 1 << 4
_CALLABLE = 1 << 5
_SERIALIZER = 0x0F
_MAC_SIZE = 32
_HEADER = 2 + _MAC_SIZE
_WORTH_COMPRESSING = 256  # bytes; below, zlib's own header and the time cost more than they save
_LABEL = b"django_q.kernel.codec 1\0"
_FINGERPRINT = b"django_q.kernel.codec fingerprint 1"
_FINGERPRINT_SIZE = 8

_FLAG_BYTES = [bytes((flags,)) for flags in range(256)]
_NOTHING: dict[bytes, type] = {pickle.dumps(kind(), _PROTOCOL): kind for kind in (tuple, dict)}
_EMPTY: dict[type, bytes] = {kind: body for body, kind in _NOTHING.items()}


def derive_key(secret: str | bytes) -> bytes:
    """Return the signing key that belongs to a secret such as Django's SECRET_KEY."""
    return sha256(_LABEL + (secret.encode() if isinstance(secret, str) else secret)).digest()


@dataclass(frozen=True, slots=True)
class Codec:
    """Writes signed blobs with the first key and reads those of all keys."""

    keys: tuple[bytes, ...] = field(repr=False)
    serializer: str = "pickle"
    compress: bool = False

    def __post_init__(self) -> None:
        if not self.keys:
            raise InvalidValue("A codec needs at least one key; derive it from SECRET_KEY with derive_key().")
        _number_of(self.serializer)

    def encode(
        self,
        value: object,
        *,
        purpose: str,
        task_id: str,
        func: str,
        callable_: Callable[..., object] | None = None,
        serializer: str | None = None,
    ) -> bytes:
        """Return a value, and the callable it belongs to if that has no path, as signed bytes."""
        kind = _number_of(serializer or self.serializer)
        flags, body = _dump(value, callable_, kind, purpose)
        if self.compress and len(body) >= _WORTH_COMPRESSING:
            flags, body = _shrink(flags, body)
        mac = _mac(self.keys[0], _context(purpose, task_id, func) + _FLAG_BYTES[flags] + body)
        return _MAGIC + _FLAG_BYTES[flags] + mac + body

    def decode(self, blob: Blob, *, purpose: str, task_id: str, func: str) -> Any:
        """Return the value of a blob that was signed for exactly this purpose, task and function."""
        return self.decode_call(blob, purpose=purpose, task_id=task_id, func=func)[1]

    def decode_call(
        self, blob: Blob, *, purpose: str, task_id: str, func: str
    ) -> tuple[Callable[..., object] | None, Any]:
        """Return the callable that travels with a value, or None, and the value."""
        flags, body = self._verified(blob, purpose, task_id, func)
        return _load(flags, body)

    def verify(self, blob: Blob, *, purpose: str, task_id: str, func: str) -> None:
        """Raise PayloadError unless a blob was signed for this purpose, task and function; nothing is unpickled."""
        self._verified(blob, purpose, task_id, func)

    def fingerprints(self) -> tuple[str, ...]:
        """Return a mark of each key, the signing one first: enough to tell whether two processes share keys.

        It says no more of a key than any signature that stands in the database.
        """
        return tuple(_mac(key, _FINGERPRINT)[:_FINGERPRINT_SIZE].hex() for key in self.keys)

    def _verified(self, blob: Blob, purpose: str, task_id: str, func: str) -> tuple[int, bytes]:
        data = _bytes_of(blob)
        flags, body = data[1], data[_HEADER:]
        self._verify(data[2:_HEADER], _context(purpose, task_id, func) + data[1:2] + body)
        return flags, body

    def _verify(self, mac: bytes, message: bytes) -> None:
        for key in self.keys:
            if hmac.compare_digest(_mac(key, message), mac):
                return
        raise PayloadError(
            "The signature is wrong: the payload was signed with another key, or moved here from another row, field or "
            "function, or changed. All processes need the same SECRET_KEY; if it was replaced, add the old one to "
            "SECRET_KEY_FALLBACKS."
        )


def serializer_of(blob: bytes) -> str:
    """Return how a blob was written. Nothing is verified: do not ask before it was decoded."""
    return SERIALIZERS[blob[1] & _SERIALIZER]


def _number_of(serializer: str) -> int:
    if serializer not in SERIALIZERS:
        raise InvalidValue(f"There is no serializer {serializer!r}. Choose one of {', '.join(map(repr, SERIALIZERS))}.")
    return SERIALIZERS.index(serializer)


def _context(purpose: str, task_id: str, func: str) -> bytes:
    context = f"{purpose}\0{task_id}\0{func}\0"
    # A NUL inside one part would let bytes wander from the body into the context.
    if context.count("\0") != 3:
        raise PayloadError(f"The purpose, id or function of a payload holds a NUL: {context!r}. Enqueue the task anew.")
    return context.encode("utf-8", "surrogatepass")


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _dump(value: object, callable_: Callable[..., object] | None, kind: int, purpose: str) -> tuple[int, bytes]:
    """Return flags and body. Whatever a user's own ``__reduce__`` raises becomes an UnpicklableError."""
    if callable_ is None and type(value) in _EMPTY and not value and not kind:
        return 0, _EMPTY[type(value)]
    try:
        if callable_ is None:
            return kind, _serialize(value, kind)
        if kind:
            raise TypeError("the JSON serializer carries no callables; pass a dotted path or use serializer='pickle'")
        return _CALLABLE, pickle.dumps((callable_, value), _PROTOCOL)
    except Exception as error:
        raise UnpicklableError(_complaint(value, callable_, kind, purpose, error)) from error


def _serialize(value: object, kind: int) -> bytes:
    if kind:
        return json.dumps(value, separators=(",", ":")).encode()
    return pickle.dumps(value, _PROTOCOL)


def _complaint(
    value: object, callable_: Callable[..., object] | None, kind: int, purpose: str, error: Exception
) -> str:
    what, culprit = _culprit(value, callable_, kind, purpose)
    verb = "written as JSON" if kind else "pickled"
    remedy = (
        "Pass plain values or a primary key instead, or use serializer='pickle'."
        if kind
        else ("Pass plain values, a primary key or a dotted path instead.")
    )
    return f"{what} cannot be {verb}: {_shown(culprit)} ({type(error).__name__}: {error}). {remedy}"


def _culprit(value: object, callable_: Callable[..., object] | None, kind: int, purpose: str) -> tuple[str, object]:
    """Return the first top-level item that cannot be serialized, and its name; else the whole value."""
    items: list[tuple[str, object]] = []
    if callable_ is not None:
        items.append(("The function", callable_))
    if isinstance(value, dict) and purpose != "result":
        items += [(f"Keyword {name!r}", item) for name, item in value.items()]
    elif isinstance(value, (tuple, list)):
        word = "Argument" if purpose == "args" else f"Item of the {purpose}, number"
        items += [(f"{word} {number}", item) for number, item in enumerate(value, 1)]
    for what, item in items:
        if item is callable_ and kind:
            return what, item
        try:
            _serialize(item, kind)
        except Exception:  # noqa: BLE001 - any error of a user's __reduce__ marks the item
            return what, item
    return f"The {purpose}", value


def _shown(value: object) -> str:
    """Return a repr that is short and never fails."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a user's __repr__
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= 200 else f"{text[:199]}…"


def _shrink(flags: int, body: bytes) -> tuple[int, bytes]:
    small = zlib.compress(body)
    return (flags | _COMPRESSED, small) if len(small) < len(body) else (flags, body)


def _bytes_of(blob: Blob) -> bytes:
    if not isinstance(blob, (bytes, bytearray, memoryview)):
        raise PayloadError(
            f"The payload is not bytes but {type(blob).__name__}: {_shown(blob)}. Enqueue the task anew."
        )
    data = bytes(blob)
    if data[:1] != _MAGIC:
        what = "starts with another byte" if data else "is empty"
        raise PayloadError(
            f"The payload is not one of ours: it {what}. It was written by another program; enqueue anew."
        )
    if len(data) < _HEADER:
        raise PayloadError(f"The payload is truncated: {len(data)} of at least {_HEADER} bytes. Enqueue the task anew.")
    return data


def _load(flags: int, body: bytes) -> tuple[Callable[..., object] | None, Any]:
    """Open a verified body."""
    if not flags and body in _NOTHING:
        return None, _NOTHING[body]()
    kind = flags & _SERIALIZER
    if kind >= len(SERIALIZERS) or flags & ~(_SERIALIZER | _COMPRESSED | _CALLABLE):
        raise PayloadError(
            f"The payload has unknown flags {flags:#04x}: a newer version wrote it. Upgrade this worker."
        )
    try:
        if flags & _COMPRESSED:
            body = zlib.decompress(body)
        value = json.loads(body) if kind else pickle.loads(body)  # noqa: S301 - verified above
    except Exception as error:
        raise PayloadError(
            f"The payload cannot be {'read as JSON' if kind else 'unpickled'} ({type(error).__name__}: {error}). "
            "If a class or module was moved or renamed, keep its old name importable until the queue is empty."
        ) from error
    if flags & _CALLABLE:
        return cast("tuple[Callable[..., object], Any]", value)
    return None, value
