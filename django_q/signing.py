"""Signed texts under the names of Django Q: for code that packs something for a broker of its own."""

import base64
import binascii
from dataclasses import replace
from typing import Any

from django.core.signing import BadSignature

from django_q import conf
from django_q.exceptions import PayloadError

__all__ = ["BadSignature", "SignedPackage"]

_MEANT: Any = {"purpose": "package", "task_id": "", "func": ""}


class SignedPackage:
    """Any picklable value as a text that is signed with SECRET_KEY, and back.

    A text of Django Q or Django Q2 is none of these; ``manage.py qmigrate_from`` reads those.
    """

    @staticmethod
    def dumps(obj: Any, compressed: bool | None = None) -> str:
        """Return a value as signed text, compressed if asked to, by default as ``Q_CLUSTER["compress"]`` says.

        Raises :exc:`~django_q.exceptions.UnpicklableError` for what cannot be pickled.
        """
        codec = conf.current().codec()
        if compressed is not None:
            codec = replace(codec, compress=compressed)
        return base64.urlsafe_b64encode(codec.encode(obj, serializer="pickle", **_MEANT)).decode()

    @staticmethod
    def loads(package: str) -> Any:
        """Return the value of a signed text.

        Raises :exc:`django.core.signing.BadSignature` for a text that was not signed with SECRET_KEY or one of its
        fallbacks; nothing of it is unpickled.
        """
        try:
            return conf.current().codec().decode(base64.b64decode(package, altchars=b"-_", validate=True), **_MEANT)
        except (PayloadError, binascii.Error, ValueError, TypeError) as error:
            raise BadSignature(f"This is no package that was signed here: {error}") from error
