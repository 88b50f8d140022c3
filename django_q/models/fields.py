"""The column type of signed payloads: stored as bytes, verified and decoded only when an attribute is read."""

import base64
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.db.models.query_utils import DeferredAttribute
from picklefield.fields import PickledObjectField

from django_q import conf
from django_q.exceptions import PayloadError


class Sealed(bytes):
    """Signed bytes as they stand in the database, not yet verified."""


class SealedAttribute(DeferredAttribute):
    """Decode a sealed value when it is read, once per instance."""

    def __get__(self, instance: Model | None, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is None or not isinstance(value, Sealed):
            return value
        opened = instance.__dict__.setdefault("_opened", {})
        name = self.field.attname
        if opened.get(name, (None, None))[0] is not value:
            opened[name] = (value, self.field.open(instance, value))  # type: ignore[attr-defined]
        return opened[name][1]

    # Without it this were no data descriptor, and what stands in the instance would be read unopened.
    def __set__(self, instance: Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class SignedPickleField(PickledObjectField):
    """A pickled (or JSON) value whose signature binds it to its purpose, task id and function.

    Reading the attribute verifies and decodes; a value that cannot be trusted or decoded raises
    :exc:`~django_q.exceptions.PayloadError`. Listing rows decodes nothing.
    """

    descriptor_class = SealedAttribute
    empty_strings_allowed = False

    if TYPE_CHECKING:  # what the descriptor returns; the field itself has no such methods

        def __get__(self, instance: Any, owner: Any = None) -> Any: ...
        def __set__(self, instance: Any, value: Any) -> None: ...

    def get_internal_type(self) -> str:
        return "BinaryField"

    def open(self, instance: Any, value: bytes) -> Any:
        """Verify and decode the stored bytes of an instance."""
        codec = conf.current().codec()
        return codec.decode(value, purpose=self.attname, task_id=instance.pk, func=instance.func)

    def seal(self, instance: Any, value: Any) -> Sealed:
        """Encode and sign a value for an instance."""
        codec = conf.current().codec()
        return Sealed(codec.encode(value, purpose=self.attname, task_id=instance.pk, func=instance.func))

    def from_db_value(self, value: Any, expression: Any, connection: Any, *args: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):  # a fixture
            try:
                return Sealed(base64.b64decode(value, validate=True))
            except ValueError as error:
                raise PayloadError(
                    f"{value[:40]!r} is not base64 text, as a fixture of {self.name} must be."
                ) from error
        return value

    def pre_save(self, model_instance: Model, add: bool) -> Any:
        value = model_instance.__dict__.get(self.attname)
        if value is None or isinstance(value, Sealed):
            return value
        sealed = self.seal(model_instance, value)
        model_instance.__dict__[self.attname] = sealed
        return sealed

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return None if value is None else connection.Database.Binary(bytes(value))

    def value_to_string(self, obj: Model) -> str:
        value = self.pre_save(obj, False)
        return "" if value is None else base64.b64encode(value).decode("ascii")


def sealed_bytes(instance: Model, name: str) -> bytes | None:
    """Return the stored bytes of a signed column, unopened."""
    value = instance.__dict__.get(name)
    if value is None:
        value = (
            instance.__class__._base_manager.using(instance._state.db).values_list(name, flat=True).get(pk=instance.pk)
        )
    return None if value is None else bytes(value)
