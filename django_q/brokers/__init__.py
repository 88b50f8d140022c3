"""Who hands tasks out: the database, or a broker whose dotted path the settings name."""

from django_q import conf
from django_q.brokers.base import Broker
from django_q.brokers.orm import OrmBroker
from django_q.exceptions import FunctionNotFound, InvalidSettings, InvalidValue
from django_q.kernel import callables

__all__ = ["Broker", "get_broker"]

_brokers: dict[tuple[str | None, str], Broker] = {}


def get_broker() -> Broker:
    """Return this process's broker, made from ``Q_CLUSTER["broker_class"]`` at the first call.

    Raises :exc:`~django_q.exceptions.InvalidSettings` if the path does not lead to a broker.
    """
    settings = conf.current()
    key = (settings.broker_class, settings.orm)
    broker = _brokers.get(key)
    if broker is None:
        broker = _brokers[key] = OrmBroker() if settings.broker_class is None else _made(settings.broker_class)
    return broker


def _made(path: str) -> Broker:
    try:
        broker = callables.resolve(path)()
    except (FunctionNotFound, InvalidValue, TypeError) as error:
        raise InvalidSettings(f"Q_CLUSTER['broker_class'] is {path!r}: {error}") from error
    if not isinstance(broker, Broker):
        raise InvalidSettings(
            f"Q_CLUSTER['broker_class'] is {path!r}, which makes {broker!r}. Name a subclass of "
            "django_q.brokers.Broker, or leave it out for the database."
        )
    return broker
