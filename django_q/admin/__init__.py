"""The pages of the Django admin: history, queue and clusters."""

from django_q.admin.clusters import IncarnationAdmin
from django_q.admin.history import FailureAdmin, SuccessAdmin
from django_q.admin.queue import OrmQAdmin

__all__ = ["FailureAdmin", "IncarnationAdmin", "OrmQAdmin", "SuccessAdmin"]
