"""What the tests of this folder need."""

import pytest
from django.db import connection

from django_q_tests.integration.testing import jobs

OPEN = pytest.param(True, marks=pytest.mark.django_db, id="open transaction")
NONE = pytest.param(False, marks=pytest.mark.django_db(transaction=True), id="no transaction")


@pytest.fixture(params=[OPEN, NONE])
def either_db(request):
    """The database, inside a transaction as in TestCase and without one as in TransactionTestCase."""
    assert connection.in_atomic_block is request.param


@pytest.fixture(autouse=True)
def nothing_called_yet():
    jobs.calls.clear()
